import type { ServerResponse } from 'node:http';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { describe, expect } from 'vitest';
import { pods } from '../../src/kube/builtin.ts';
import { eventually } from './eventually.ts';
import { serves } from './fake-kubelet.ts';
import { it, speaks, writeKeys } from './gateway-it.ts';
import { isReady } from './objects.ts';
import type { GatewayProcess } from './gateway-process.ts';
import { weights } from './weights.ts';

const openAi = (gateway: GatewayProcess) =>
  new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'none', maxRetries: 0 });

const messages = [{ role: 'user' as const, content: 'x' }];

async function said(gateway: GatewayProcess, model: string): Promise<string> {
  let text = '';
  const stream = await openAi(gateway).chat.completions.create({ model, messages, stream: true });
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
  return text;
}

/** Until the gateway's watch has brought it. */
async function refusal(gateway: GatewayProcess, model: string, message: RegExp): Promise<number> {
  return eventually(async () => {
    const answer = await gateway.post('/v1/chat/completions', { model, messages });
    expect(await answer.text()).toMatch(message);
    return answer.status;
  });
}

describe.concurrent('a gateway', () => {
  it('says what a model lacks at each step, and asks it as soon as a pod is ready', async ({
    world,
    startGateway,
  }) => {
    const gateway = await startGateway();
    const { kubelet } = world;
    expect(await refusal(gateway, 'stepwise', /does not exist here/)).toBe(404);
    await world.applyModel('steps');
    expect(await refusal(gateway, 'steps', /Model test-\w+\/steps: Resolving/)).toBe(503);
    kubelet.provides('steps', weights());
    await world.models.untilOne('steps', isReady);
    expect(await refusal(gateway, 'steps', /pulled and not loaded/)).toBe(404);

    await world.applyServer('stepwise', { model: 'steps', servedNames: ['qwen3:8b'] });
    const pod = await kubelet.next({ server: 'stepwise' });
    pod.serves(speaks('Hello', ', ', 'you'));
    await pod.starts();
    pod.says({ phase: 'loading', percent: 42 });
    expect(await refusal(gateway, 'qwen3:8b', /ModelServer test-\w+\/stepwise: Loading/)).toBe(503);
    await pod.becomesReady();
    for (const model of ['stepwise', 'qwen3:8b', 'steps', `${world.namespace}/stepwise`]) {
      expect(await eventually(() => said(gateway, model))).toBe('Hello, you');
    }
    const ids = (await openAi(gateway).models.list()).data.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['stepwise', 'qwen3:8b']));

    const ollama = new Ollama({ host: gateway.url });
    let text = '';
    for await (const { message } of await ollama.chat({ model: 'qwen3:8b', messages, stream: true })) {
      text += message.content;
    }
    expect(text).toBe('Hello, you');
    expect((await ollama.list()).models).toContainEqual(
      expect.objectContaining({ name: 'qwen3:8b', size: weights().publication.sizeBytes }),
    );
    await pod.isLost();
    expect(await refusal(gateway, 'stepwise', /not ready/)).toBe(503);
  });

  it('loses no request when a pod goes', async ({ world, startGateway }) => {
    const gateway = await startGateway();
    await world.readyModel('shared');
    await world.applyServer('two', { model: 'shared', replicas: 2 });
    const both = [await world.kubelet.next({ server: 'two' }), await world.kubelet.next({ server: 'two' })];
    for (const pod of both) {
      pod.serves(speaks(pod.name));
      await serves(pod);
    }
    const seen = new Set<string>();
    await eventually(async () => {
      seen.add(await said(gateway, 'two'));
      expect(seen.size).toBe(2);
    });
    world.kubelet.always({ server: 'two' }, async (pod) => {
      pod.serves(speaks(pod.name));
      await serves(pod);
    });
    const [first] = both;
    const deleted = world.client.delete(pods, world.ref(first!.name), { gracePeriodSeconds: 0 });
    for (let i = 0; i < 20; i++) expect(await said(gateway, 'two')).not.toBe('');
    await deleted;
    await eventually(async () => {
      const names = new Set([await said(gateway, 'two'), await said(gateway, 'two')]);
      expect(names).not.toContain(first!.name);
    });
  });

  it('that is ended finishes its streams, while another one goes on', async ({ world, startGateway }) => {
    const [first, second] = [await startGateway(), await startGateway()];
    await world.readyModel('streamed');
    await world.applyServer('slow', { model: 'streamed' });
    const pod = await world.kubelet.next({ server: 'slow' });
    const { promise: begun, resolve } = Promise.withResolvers<ServerResponse>();
    pod.serves((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
      resolve(response);
    });
    await serves(pod);
    const body = { model: 'slow', messages, stream: true };
    const answer = await eventually(async () => {
      const response = await first.post('/v1/chat/completions', body);
      expect(response.status).toBe(200);
      return response;
    });
    const stream = await begun;
    expect(await (await fetch(`${first.healthUrl}/readyz`)).json()).toEqual({ status: 'ready' });
    const ended = first.stop();
    await first.says('draining');
    await eventually(() => expect(fetch(first.url)).rejects.toThrow(/fetch failed/));
    pod.serves(speaks('still', ' here'));
    expect(await eventually(() => said(second, 'slow'))).toBe('still here');
    stream.end('data: 2\n\n');
    expect(await answer.text()).toBe('data: 1\n\ndata: 2\n\n');
    expect(await ended).toBe(0);
    const metrics = await (await fetch(`${second.healthUrl}/metrics`)).text();
    expect(metrics).toMatch(/longshore_gateway_sent_total\{namespace="test-\w+",server="slow"\} \d/);
  });

  it('with keys lets in who has one, follows them while it runs, and tells the scope that lacks', async ({
    world,
    startGateway,
    keysFolder,
  }) => {
    await writeKeys(keysFolder, 'alice', 'first infer');
    const gateway = await startGateway({ LONGSHORE_API_KEYS: keysFolder });
    await world.readyModel('guarded');
    await world.applyServer('locked', { model: 'guarded' });
    const pod = await world.kubelet.next({ server: 'locked' });
    pod.serves(speaks('in'));
    await serves(pod);
    const statusWith = async (apiKey: string): Promise<number> => {
      const headers = { authorization: `Bearer ${apiKey}` };
      const body = { model: 'locked', messages, stream: true };
      const answer = await gateway.post('/v1/chat/completions', body, { headers });
      await answer.text();
      return answer.status;
    };
    await eventually(async () => expect(await statusWith('first')).toBe(200));
    expect(await statusWith('second')).toBe(401);
    await writeKeys(keysFolder, 'alice', 'second infer');
    await writeKeys(keysFolder, 'bob', 'third read');
    await eventually(async () => expect(await statusWith('second')).toBe(200));
    expect(await statusWith('first')).toBe(401);
    expect(await statusWith('third')).toBe(403);
    expect(await (await fetch(`${gateway.url}/healthz`)).json()).toMatchObject({ access: 'keys' });
    expect(JSON.stringify(gateway.lines)).not.toMatch(/"(first|second|third)"/);

    const open = await startGateway();
    expect(await (await fetch(`${open.url}/healthz`)).json()).toMatchObject({ access: 'open' });
    await open.says('there are no API keys: everybody who can connect may ask');
  });
});
