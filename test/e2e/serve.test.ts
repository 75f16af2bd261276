import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCondition } from '../../src/kube/conditions.ts';
import { jobs, persistentVolumeClaims, pods, deployments } from '../../src/kube/builtin.ts';
import { models } from '../../src/controllers/kinds.ts';
import { loraGguf } from '../../src/runtime-image/testing/lora.ts';
import { standard } from '../hub/content.ts';
import { sseData } from '../stack/sse.ts';
import { isReady, World } from './world.ts';

const gemmaDigest = 'a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818';
const question = { model: 'gemma', prompt: '1, 2, 3, 4,', max_tokens: 12, temperature: 0 };

const post = (url: string, body: object): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

describe('a Model of a Hugging Face hub, and two servers of it', () => {
  let world: World;
  const percents: number[] = [];

  beforeAll(async () => {
    world = await World.start();
    // Each connection is slow enough that several looks at the progress fall into the pull.
    world.hub.setThrottle(1_000_000);
    await world.applyModel('gemma', { huggingFace: { repo: standard.gemma.repo, quantization: 'Q4_K_M' } });
    await world.model('gemma', (model) => {
      const percent = model.status?.progress?.percent;
      if (percent !== undefined) percents.push(percent);
      return isReady(model);
    });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('publishes the verified file, with what its header says', async () => {
    const { status } = await world.model('gemma', isReady);
    expect(status?.artifact).toMatchObject({ digest: `sha256:${gemmaDigest}`, sizeBytes: 253_113_024 });
    expect(status?.gguf).toMatchObject({
      architecture: 'gemma3',
      quantization: 'Q4_K_M',
      parameters: '268M',
    });
    for (const type of ['Resolved', 'StorageReady', 'Pulled']) {
      expect(findCondition(status?.conditions, type)?.status).toBe('True');
    }
  });

  it('showed its progress on the way, and never went back', () => {
    expect(percents.filter((percent) => percent > 0 && percent < 100).length).toBeGreaterThan(1);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  });

  it('is shown by kubectl get models', async () => {
    const [heading, line] = (await world.kubectl(['get', 'models'])).trim().split('\n');
    expect(heading).toMatch(/^NAME +READY +STATUS +PROGRESS +SIZE +PARAMS +QUANT +SERVERS +AGE/);
    expect(line).toMatch(/^gemma\s+True\s+Ready\s+100%\s+253MB\s+268M\s+Q4_K_M\s+0\s+\d+/);
  });

  it('gives its pods no API token, no root and no writable root file system', async () => {
    const { items } = await world.client.list(pods, { namespace: world.namespace });
    expect(items.length).toBeGreaterThan(0);
    for (const { spec } of items) {
      expect(spec?.automountServiceAccountToken).toBe(false);
      expect(spec?.securityContext?.runAsNonRoot).toBe(true);
      expect(
        spec?.volumes?.some(({ projected }) => projected?.sources?.some((s) => s.serviceAccountToken)),
      ).toBe(false);
      for (const { securityContext } of spec?.containers ?? []) {
        expect(securityContext?.readOnlyRootFilesystem).toBe(true);
      }
    }
  });

  it('is served on a GPU, and streams a completion', async () => {
    await world.applyServer('gemma', { modelRef: { name: 'gemma' }, runtime: { contextSize: 1024 } });
    const { status } = await world.server('gemma', isReady);
    expect(status).toMatchObject({ ready: '1/1', endpoint: `http://gemma.${world.namespace}.svc` });
    const { spec } = await world.client.get(deployments, { namespace: world.namespace, name: 'gemma' });
    expect(spec?.template.spec?.containers[0]?.resources?.limits).toMatchObject({ 'nvidia.com/gpu': '1' });

    const url = await world.reach('gemma');
    const response = await post(`${url}/v1/completions`, { ...question, stream: true });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const texts: string[] = [];
    for await (const data of sseData(response.body ?? new ReadableStream())) {
      const chunk = JSON.parse(data) as { choices: { text?: string }[] };
      texts.push(chunk.choices[0]?.text ?? '');
    }
    expect(texts.join('')).toMatch(/^ 5, 6, 7, 8/);
    expect(texts.length).toBeGreaterThan(3);
  });

  it('is served on CPUs beside it, with the threads of its quota, and by the name of an adapter', async () => {
    const tensor = { tensor: 'blk.0.ffn_down.weight', shape: [2048, 640] } as const;
    const adapter = loraGguf({ architecture: 'gemma3', ...tensor, strength: 5 });
    await world.hub.addRepo({ id: 'longshore/odd-lora', files: { 'odd.gguf': adapter } });
    await world.applyModel('odd', { huggingFace: { repo: 'longshore/odd-lora', files: ['odd.gguf'] } });
    const resources = { requests: { cpu: '500m' }, limits: { cpu: '1', memory: '2Gi' } };
    const runtime = { contextSize: 512, adapters: [{ modelRef: { name: 'odd' } }] };
    await world.applyServer('gemma-cpu', {
      modelRef: { name: 'gemma' },
      gpu: { count: 0 },
      runtime,
      pod: { resources },
    });
    const { status } = await world.server('gemma-cpu', isReady);
    expect(status?.parts).toMatchObject([{ use: 'Adapter', name: 'odd' }]);
    const url = await world.reach('gemma-cpu');
    const answer = (await (
      await post(`${url}/v1/completions`, { ...question, model: 'gemma-cpu' })
    ).json()) as {
      choices: { text: string }[];
      usage: { completion_tokens: number };
    };
    expect(answer.choices[0]?.text).toMatch(/^ 5, 6, 7, 8/);
    expect(answer.usage.completion_tokens).toBe(12);
    const chat = await post(`${url}/v1/chat/completions`, {
      model: 'gemma-cpu',
      max_tokens: 4,
      messages: [{ role: 'user', content: 'Say hello.' }],
    });
    expect(await chat.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { role: 'assistant' } }],
    });
    const odd = await post(`${url}/v1/completions`, { ...question, model: 'odd' });
    const said = (await odd.json()) as { model: string; choices: { text: string }[] };
    expect(said.model).toBe('odd');
    expect(said.choices[0]?.text).not.toMatch(/^ 5, 6/);
    const log = await world.kubectl(['logs', 'deployment/gemma-cpu']);
    expect(log).toMatch(/"threads":1\b/);
  });

  it('takes everything with it when it is deleted', async () => {
    await world.kubectl(['delete', 'modelserver', 'gemma', 'gemma-cpu']);
    await world.gone(deployments, 'gemma');
    const { items: claims } = await world.client.list(persistentVolumeClaims, { namespace: world.namespace });
    expect(claims).toHaveLength(2);
    await world.kubectl(['delete', 'model', 'gemma', 'odd']);
    await world.gone(models, 'gemma');
    for (const claim of claims) await world.gone(persistentVolumeClaims, claim.metadata.name);
    const { items: left } = await world.client.list(jobs, { namespace: world.namespace });
    for (const job of left) await world.gone(jobs, job.metadata.name);
  });
});
