import { Ollama } from 'ollama';
import { describe, expect } from 'vitest';
import { models, modelServers } from '../../src/controllers/kinds.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import { eventually } from './eventually.ts';
import { downloading, fails, reports, serves } from './fake-kubelet.ts';
import { it, speaks } from './gateway-it.ts';
import type { GatewayProcess } from './gateway-process.ts';
import { weights } from './weights.ts';
import type { World } from './world.ts';

interface Line {
  status?: string;
  percent?: number;
  total?: number;
  completed?: number;
  error?: string;
}

const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });

const managed = (world: World) => ({
  LONGSHORE_MANAGEMENT: 'true',
  LONGSHORE_MODELS_NAMESPACE: world.namespace,
  LONGSHORE_GPUS: '0',
});

/** The lines of a stream as they come. */
async function* linesOf(answer: Response): AsyncGenerator<Line> {
  let rest = '';
  for await (const text of answer.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line.replace(/^data: /, '')) as Line;
  }
}

/** The next line that is so; fails when the stream ends before. */
async function nextLine(lines: AsyncGenerator<Line>, isWanted: (line: Line) => boolean): Promise<Line> {
  for (;;) {
    const next: IteratorResult<Line, unknown> = await lines.next();
    if (next.done === true) throw new Error('the stream has ended');
    if (isWanted(next.value)) return next.value;
  }
}

async function rest(lines: AsyncGenerator<Line>): Promise<Line[]> {
  return Array.fromAsync(lines);
}

async function send(
  gateway: GatewayProcess,
  method: string,
  path: string,
): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${gateway.url}${path}`, { method });
  return { status: answer.status, text: await answer.text() };
}

describe.concurrent('a gateway that manages models', () => {
  it('pulls with a percentage that rises, loads, answers, unloads and deletes', async ({
    world,
    startGateway,
  }) => {
    const gateway = await startGateway(managed(world));
    const { kubelet } = world;
    const asked = { name: 'Owner/Whole', source: 'huggingface', quantization: 'Q4_K_M' };
    const name = 'whole-q4-k-m';
    const first = linesOf(await gateway.post('/models/pull', asked));
    await nextLine(first, ({ status }) => status === 'pulling manifest');
    kubelet.plays({ model: name, task: 'inspect' }, reports({ inspection }));
    const pull = await kubelet.next({ model: name, task: 'pull' });
    await pull.starts();
    pull.says(downloading(250_000_000, 1_000_000_000));
    expect(await nextLine(first, ({ percent }) => percent === 25)).toMatchObject({
      completed: 250_000_000,
      total: 1_000_000_000,
    });
    // Hanging up stops nothing, and who asks again joins: by events this time.
    await first.return(undefined);
    const answer = await gateway.post('/models/pull', asked, { headers: { accept: 'text/event-stream' } });
    expect(answer.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const second = linesOf(answer);
    await nextLine(second, ({ percent }) => percent === 25);
    pull.says(downloading(800_000_000, 1_000_000_000));
    await nextLine(second, ({ percent }) => percent === 80);
    await pull.succeeds({ publication });
    expect((await rest(second)).at(-1)).toMatchObject({ status: 'success', percent: 100 });
    expect(world.jobsOf(name, 'pull')).toHaveLength(1);

    const loading = linesOf(await gateway.post('/models/load', { model_id: name, context_size: 2048 }));
    const pod = await kubelet.next({ server: name });
    pod.serves(speaks('loaded'));
    await pod.starts();
    pod.says({ phase: 'loading', percent: 60 });
    await nextLine(loading, ({ status, percent }) => status === 'loading' && percent === 60);
    await pod.becomesReady();
    expect((await rest(loading)).at(-1)).toEqual({ status: 'success', percent: 100 });
    expect((await world.client.get(modelServers, world.ref(name))).spec.runtime.contextSize).toBe(2048);
    const { models: listed } = (await (await fetch(`${gateway.url}/api/models`)).json()) as {
      models: object[];
    };
    expect(listed).toContainEqual(
      expect.objectContaining({
        name,
        available: true,
        loaded: true,
        size: 1_000_000_000,
        quantization: 'Q4_K_M',
      }),
    );
    const chat = await gateway.post('/v1/chat/completions', { model: name, stream: true });
    expect(await chat.text()).toContain('loaded');

    expect(await (await gateway.post('/models/unload', { model_id: name })).json()).toEqual({
      status: 'unloaded',
      servers: [`${world.namespace}/${name}`],
    });
    await eventually(() => expect(world.servers.get(name)).toBeUndefined());
    await eventually(async () => expect((await send(gateway, 'DELETE', `/models/${name}`)).status).toBe(200));
    await eventually(() => expect(world.client.get(models, world.ref(name))).rejects.toSatisfy(isNotFound));
    const audit = gateway.lines.filter(({ msg }) => msg === 'managed');
    expect(audit.map(({ audit: action }) => action)).toEqual(
      expect.arrayContaining(['pull', 'load', 'unload', 'delete']),
    );
    expect(audit[0]).toMatchObject({
      model: `${world.namespace}/${name}`,
      caller: 'anybody',
      outcome: 'done',
    });
  });

  it('loads what is not there yet by pulling it first, in one stream', async ({ world, startGateway }) => {
    const gateway = await startGateway(managed(world));
    world.kubelet.provides('both-1b', weights());
    world.kubelet.always({ server: 'both-1b' }, serves);
    const lines = await rest(linesOf(await gateway.post('/models/load', { name: 'both:1b' })));
    expect(lines[0]).toEqual({ status: 'pulling manifest' });
    expect(lines.at(-1)).toEqual({ status: 'success', percent: 100 });
    expect(lines.filter(({ status }) => status === 'success')).toHaveLength(1);
    expect(world.servers.get('both-1b')?.spec.servedNames).toEqual(['both:1b']);
  });

  it('does not change what others have written, and says whose it is', async ({ world, startGateway }) => {
    const gateway = await startGateway(managed(world));
    await world.readyModel('applied', weights(), { repo: 'owner/applied' });
    await world.applyServer('theirs', { model: 'applied', replicas: 0 });
    await eventually(async () => {
      const refused = await send(gateway, 'DELETE', '/models/applied');
      expect(refused.status).toBe(409);
      expect(refused.text).toContain('managed by kubectl');
    });
    await eventually(async () => {
      const unloaded = await gateway.post('/models/unload', { name: 'theirs' });
      expect(unloaded.status).toBe(409);
      expect(await unloaded.text()).toContain('managed_elsewhere');
    });
    const same = { name: 'owner/applied', source: 'huggingface', model_id: 'applied', stream: false };
    expect(await (await gateway.post('/models/pull', same)).json()).toMatchObject({ status: 'success' });
    const other = await gateway.post('/models/pull', { ...same, name: 'owner/other' });
    expect(other.status).toBe(409);
    expect(await other.text()).toContain('of another source');
    expect((await world.client.get(models, world.ref('applied'))).metadata.deletionTimestamp).toBeUndefined();
    expect(await world.client.get(modelServers, world.ref('theirs'))).toMatchObject({
      spec: { replicas: 0 },
    });
  });

  it('answers Ollama’s own client', async ({ world, startGateway }) => {
    const gateway = await startGateway(managed(world));
    const ollama = new Ollama({ host: gateway.url });
    world.kubelet.provides('tiny-1b', weights());
    const said: string[] = [];
    for await (const { status } of await ollama.pull({ model: 'tiny:1b', stream: true })) said.push(status);
    expect(said.at(-1)).toBe('success');
    await eventually(async () => {
      expect((await ollama.list()).models.map(({ name }) => name)).toContain('tiny:1b');
    });
    for (const model of ['tiny:1b', 'tiny-1b']) {
      expect((await ollama.show({ model })).details.quantization_level).toBe('Q4_K_M');
    }
    expect((await ollama.ps()).models.map(({ name }) => name)).not.toContain('tiny:1b');
    await ollama.delete({ model: 'tiny:1b' });
    await eventually(() =>
      expect(world.client.get(models, world.ref('tiny-1b'))).rejects.toSatisfy(isNotFound),
    );
    await expect(ollama.delete({ model: 'tiny:1b' })).rejects.toThrow(/does not exist here/);
  });

  it('ends a stream with what a person has to do, and refuses what it may not ask', async ({
    world,
    startGateway,
  }) => {
    const gateway = await startGateway(managed(world));
    world.kubelet.plays(
      { model: 'gated-8b', task: 'inspect' },
      fails('GatedRepo', 'Ask for access at the hub.'),
    );
    const lines = await rest(linesOf(await gateway.post('/api/pull', { model: 'gated:8b' })));
    expect(lines.at(-1)?.error).toMatch(/GatedRepo.*Ask for access at the hub/);
    const elsewhere = await gateway.post('/models/pull', { name: 'x', endpoint: 'http://169.254.169.254' });
    expect(elsewhere.status).toBe(403);
    expect(await elsewhere.text()).toContain('endpoint_not_allowed');
    const outside = await gateway.post('/models/pull', { name: 'x', namespace: 'kube-system' });
    expect(outside.status).toBe(403);
  });
});
