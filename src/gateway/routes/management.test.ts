import { describe, expect, it, onTestFinished } from 'vitest';
import { publicHub, publicRegistry } from '../../api/source.ts';
import { ApiError } from '../../kube/errors.ts';
import { keyOf } from '../../kube/kind.ts';
import type { AccessKeys } from '../access.ts';
import type { Writing } from '../management/objects.ts';
import { aModel, aServer, conditions } from '../testing/objects.ts';
import { startGatewayBefore } from '../testing/world.ts';

type Gateway = Awaited<ReturnType<typeof startGatewayBefore>>;

interface Written {
  kind: string;
  metadata: { namespace: string; name: string };
  spec: object;
}

/** A gateway that manages models, and a cluster that takes what it writes and does nothing with it. */
async function managing({
  managers = async () => ['longshore-gateway'],
  refusal,
  keys,
}: ClusterChoices = {}) {
  const written: Written[] = [];
  const deleted: string[] = [];
  const client: Writing['client'] = {
    create: async (kind, object) => {
      if (refusal) throw refusal;
      written.push({ kind: kind.kind, ...object } as unknown as Written);
      return object as never;
    },
    delete: async (kind, { namespace, name }) => void deleted.push(`${kind.kind} ${namespace}/${name}`),
    managersOf: ({ kind }) => managers(kind),
  };
  const gateway = await startGatewayBefore(onTestFinished, [], {
    keys,
    management: {
      client,
      namespace: 'team',
      endpoints: [],
      gpus: 1,
      hub: publicHub,
      registry: publicRegistry,
    },
  });
  return { ...gateway, written, deleted };
}

interface ClusterChoices {
  keys?: AccessKeys;
  /** Who has written the objects of a kind. */
  managers?: (kind: string) => Promise<string[]>;
  refusal?: ApiError;
}

const status = (...all: Parameters<typeof conditions>) => ({
  observedGeneration: 1,
  conditions: conditions(...all),
});

async function linesOf(answer: Response): Promise<unknown[]> {
  const text = await answer.text();
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line.replace(/^data: /, '')) as unknown);
}

/** Waits until the gateway has written so much, and puts what the operator would make of it into the caches. */
async function settled({ written, caches }: Gateway & { written: Written[] }, count: number): Promise<void> {
  await expect.poll(() => written.length).toBe(count);
  const ready = status(['Ready', 'True', 'Ready']);
  for (const { kind, metadata, spec } of written) {
    if (kind === 'Model')
      caches.put({ models: [{ ...aModel(metadata.name, { status: ready }), spec: spec as never }] });
    else caches.put({ servers: [aServer(metadata.name, { ...spec, status: ready })] });
  }
}

describe('a gateway that manages models', { timeout: 30_000 }, () => {
  it('makes a Model once, and tells until it is ready', async () => {
    const gateway = await managing();
    const answer = await gateway.post('/models/pull', { name: 'llama3.1:8b' });
    expect(answer.headers.get('content-type')).toBe('application/x-ndjson');
    await settled(gateway, 1);
    expect((await linesOf(answer)).at(-1)).toEqual({ status: 'success', percent: 100 });
    expect(gateway.written).toEqual([
      {
        kind: 'Model',
        metadata: { namespace: 'team', name: 'llama3-1-8b' },
        spec: { source: { ollama: { model: 'llama3.1:8b' } } },
      },
    ]);
    const again = await gateway.post('/api/pull', { model: 'llama3.1:8b', name: '', stream: false });
    expect(await again.json()).toEqual({ status: 'success', percent: 100 });
    expect(gateway.written).toHaveLength(1);
  });

  it('tells by events where the client accepts those', async () => {
    const gateway = await managing();
    const headers = { accept: 'text/event-stream' };
    const answer = await gateway.post('/models/pull', { name: 'x' }, { headers });
    await settled(gateway, 1);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(await answer.text()).toMatch(/\n\ndata: \{"status":"success","percent":100\}\n\n$/);
  });

  it('loads by a server of the name, with what was asked', async () => {
    const gateway = await managing();
    const asked = { name: 'x:1b', gpus: 0, context_size: 512, replicas: 2 };
    const answer = await gateway.post('/models/load', asked);
    await settled(gateway, 2);
    expect((await linesOf(answer)).at(-1)).toEqual({ status: 'success', percent: 100 });
    expect(gateway.written[1]).toEqual({
      kind: 'ModelServer',
      metadata: { namespace: 'team', name: 'x-1b' },
      spec: {
        modelRef: { name: 'x-1b' },
        servedNames: ['x:1b'],
        gpu: { count: 0 },
        replicas: 2,
        runtime: { contextSize: 512 },
      },
    });
  });

  it('makes what a pull says of the volume, and the server by the name that a load says', async () => {
    const gateway = await managing();
    const asked = { name: 'x:1b', storage_size: '20Gi', server: 'talker' };
    const answer = await gateway.post('/models/load', asked);
    await settled(gateway, 2);
    expect((await linesOf(answer)).at(-1)).toEqual({ status: 'success', percent: 100 });
    const [model, server] = gateway.written;
    expect(model).toMatchObject({ metadata: { name: 'x-1b' }, spec: { storage: { size: '20Gi' } } });
    expect(server).toMatchObject({ metadata: { name: 'talker' }, spec: { modelRef: { name: 'x-1b' } } });
  });

  it('ends a stream with the reason, and an answer that is no stream too', async () => {
    const { post, caches } = await managing();
    const stalled = status(['Ready', 'False', 'GatedRepo', 'Ask.'], ['Stalled', 'True', 'GatedRepo']);
    const model = aModel('name', { status: stalled });
    caches.put({ models: [model] });
    const asked = { name: 'owner/name', source: 'huggingface' };
    const error = 'Model team/name: GatedRepo: Ask.';
    expect(await linesOf(await post('/models/pull', asked))).toEqual([{ error }]);
    const whole = await post('/models/pull', { ...asked, stream: false });
    expect(whole.status).toBe(409);
    expect(await whole.json()).toMatchObject({ error: { message: error, code: 'model_failed' } });
  });

  it('ends a stream when the Model is deleted', async () => {
    const { post, caches } = await managing();
    const model = { ...aModel('x'), spec: { ...aModel('x').spec, source: { ollama: { model: 'x' } } } };
    caches.put({ models: [model] });
    const answer = await post('/models/pull', { name: 'x' });
    caches.models.remove(keyOf(model));
    expect(await linesOf(answer)).toEqual([
      { status: 'pulling manifest' },
      { error: 'Model team/x was deleted.' },
    ]);
  });

  it.each([
    ['Invalid', 422, 400],
    ['Forbidden', 403, 403],
    ['NotFound', 404, 404],
    ['InternalError', 500, 503],
  ])('tells what the API server has against it: %s', async (reason, status, answered) => {
    const refusal = new ApiError({ status, reason, message: 'POST /apis/x: the words' });
    const { post } = await managing({ refusal });
    const answer = await post('/models/pull', { name: 'x' });
    expect(answer.status).toBe(answered);
    expect(await answer.text()).not.toContain('/apis/x');
  });

  it('deletes a Model and its servers, and nothing where one of them is somebody else’s', async () => {
    const model = aModel('m');
    const server = aServer('s', { modelRef: { name: 'm' } });
    const own = await managing({ managers: async () => ['longshore-gateway', 'longshore'] });
    own.caches.put({ models: [model], servers: [server] });
    expect((await fetch(`${own.url}/models/m`, { method: 'DELETE' })).status).toBe(200);
    expect(own.deleted).toEqual(['ModelServer team/s', 'Model team/m']);
    const shared = await managing({ managers: async () => ['longshore-gateway', 'argocd-controller'] });
    shared.caches.put({ models: [model], servers: [server] });
    const refused = await fetch(`${shared.url}/models/m`, { method: 'DELETE' });
    expect(refused.status).toBe(409);
    expect(await refused.text()).toContain('managed by argocd-controller');
    expect((await shared.post('/models/unload', { name: 's' })).status).toBe(409);
    expect(shared.deleted).toEqual([]);
  });

  it('knows nothing of what is gone, though its caches do', async () => {
    const gone = new ApiError({ status: 404, reason: 'NotFound', message: 'GET /apis/x: not found' });
    const model = aModel('m');
    const server = aServer('s', { modelRef: { name: 'm' } });
    const nothing = await managing({ managers: () => Promise.reject(gone) });
    nothing.caches.put({ models: [model], servers: [server] });
    const refused = await fetch(`${nothing.url}/models/m`, { method: 'DELETE' });
    expect(refused.status).toBe(404);
    expect(await refused.text()).toContain('model_not_found');
    const unserved = await managing({
      managers: async (kind) => (kind === 'ModelServer' ? await Promise.reject(gone) : ['longshore-gateway']),
    });
    unserved.caches.put({ models: [model], servers: [server] });
    expect((await fetch(`${unserved.url}/models/m`, { method: 'DELETE' })).status).toBe(200);
    expect(unserved.deleted).toEqual(['Model team/m']);
  });

  it('deletes nothing while the API server does not answer, and says so', async () => {
    const unreachable = new ApiError({ status: 0, reason: 'Unreachable', message: 'GET /apis/x: refused' });
    const { url, caches, deleted } = await managing({ managers: () => Promise.reject(unreachable) });
    caches.put({ models: [aModel('m')] });
    const answer = await fetch(`${url}/models/m`, { method: 'DELETE' });
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('cluster_unreachable');
    expect(deleted).toEqual([]);
  });

  it.each([
    ['/models/pull', {}, 400],
    ['/models/pull', { name: 'x', nothing: 1 }, 400],
    ['/models/pull', { name: 'x', quantization_bits: 7 }, 400],
    ['/models/pull', { name: 'x', namespace: '../default' }, 400],
    ['/models/pull', { name: 'x', model_id: 'Not A Name' }, 400],
    ['/models/load', {}, 400],
    ['/models/load', { model_id: 'nobody' }, 404],
    ['/models/load', { name: 'x', gpus: -1 }, 400],
    ['/models/unload', { name: 'nobody' }, 404],
    ['/models/unload', { name: 'a', model_id: 'b' }, 400],
    ['/api/pull', {}, 400],
    ['/api/pull', { model: 'x', insecure: true }, 400],
  ])('refuses %s with %j by %i', async (path, body, status) => {
    const { post, written } = await managing();
    expect((await post(path, body)).status).toBe(status);
    expect(written).toEqual([]);
  });

  it('is none unless it is told to be', async () => {
    const { post } = await startGatewayBefore(onTestFinished, []);
    expect((await post('/models/pull', { name: 'x' })).status).toBe(404);
  });

  it('says in the log who did what to what, also of those who were not let', async () => {
    const keys: AccessKeys = {
      callerOf: async (key) => ({ name: key, scopes: key === 'root' ? ['manage'] : ['read'] }),
    };
    const { post, lines, url } = await managing({ keys });
    const as = (name: string) => ({ headers: { authorization: `Bearer ${name}` } });
    await post('/models/unload', { name: 'nobody' }, as('root'));
    await post('/models/pull', { name: 'x', source: 'nowhere' }, as('root'));
    await post('/models/pull', { name: 'x' }, as('guest'));
    await post('/models/load', { name: 'x' });
    await fetch(`${url}/api/models`, as('guest'));
    const audit = lines
      .map((each) => JSON.parse(each) as Record<string, unknown>)
      .filter(({ msg }) => msg === 'managed');
    expect(audit.map(({ audit, model, caller, outcome }) => [audit, model, caller, outcome])).toEqual([
      ['unload', 'nobody', 'root', 'model_not_found'],
      ['POST /models/pull', undefined, 'root', 'invalid_request'],
      ['POST /models/pull', undefined, 'guest', 'insufficient_scope'],
      ['POST /models/load', undefined, 'anybody', 'invalid_api_key'],
    ]);
    expect(audit[0]).toMatchObject({ address: '127.0.0.1' });
  });
});
