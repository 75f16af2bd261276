import { describe, expect, it } from 'vitest';
import { aModel, aServer } from '../../controllers/testing/objects.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import type { DoorOptions } from '../door.ts';
import { gatewayRefusal, startGateway, type Stock } from '../testing/stand-ins.ts';
import { openGateway } from './door.ts';

const model = aModel();
const server = aServer();
const stock = (): Stock => ({ models: [model], modelservers: [server] });

async function opened(gateway: { url: string }, options: DoorOptions = {}) {
  return openGateway({ ...options, server: gateway.url }, 'longshore');
}

describe('the way through a gateway', () => {
  it('is to the namespace of the gateway, unless another is named', async () => {
    await using gateway = await startGateway(stock());
    await using door = await opened(gateway);
    expect(door.namespace).toBe('ns');
    await using other = await opened(gateway, { namespace: 'team' });
    expect(other.namespace).toBe('team');
    expect(await other.find(models, 'qwen')).toBeUndefined();
  });

  it('brings its key to every request', async () => {
    await using gateway = await startGateway(stock());
    await using door = await opened(gateway, { apiKey: 'secret' });
    await door.list(models);
    expect(gateway.asked.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer secret',
      'Bearer secret',
    ]);
  });

  it('finds and lists what is there, whole', async () => {
    await using gateway = await startGateway(stock());
    await using door = await opened(gateway);
    expect(await door.find(models, 'qwen')).toEqual(model);
    expect(await door.find(models, 'other')).toBeUndefined();
    expect(await door.list(modelServers)).toEqual([server]);
    expect(gateway.asked.at(-1)?.query.get('namespace')).toBe('ns');
    await door.list(modelServers, true);
    expect(gateway.asked.at(-1)?.query.has('namespace')).toBe(false);
  });

  it('makes what is not there, with all that was asked', async () => {
    await using gateway = await startGateway({});
    await using door = await opened(gateway);
    const source = { repo: 'a/b', revision: 'v1', bits: 4 as const, endpoint: 'https://hub.internal' };
    const storage = { size: '20Gi', storageClassName: 'fast' };
    const made = { metadata: { name: 'b' }, spec: { source: { huggingFace: source }, storage } };
    expect(await door.makeModel(made)).toBeUndefined();
    expect(gateway.asked.at(-1)).toMatchObject({
      path: '/models/pull',
      body: {
        name: 'a/b',
        source: 'huggingface',
        model_id: 'b',
        namespace: 'ns',
        revision: 'v1',
        quantization_bits: 4,
        endpoint: 'https://hub.internal',
        storage_size: '20Gi',
        storage_class: 'fast',
      },
    });
    const runtime = { contextSize: 4096, parallel: 2 };
    const spec = { modelRef: { name: 'b' }, replicas: 2, gpu: { count: 0 }, runtime };
    await door.makeServer({ metadata: { name: 'talker' }, spec });
    expect(gateway.asked.at(-1)).toMatchObject({
      path: '/models/load',
      body: {
        model_id: 'b',
        server: 'talker',
        namespace: 'ns',
        replicas: 2,
        gpus: 0,
        context_size: 4096,
        parallel: 2,
      },
    });
  });

  it('asks for nothing that is there already', async () => {
    await using gateway = await startGateway(stock());
    await using door = await opened(gateway);
    const source = { ollama: { model: 'qwen' } };
    expect(await door.makeModel({ metadata: { name: 'qwen' }, spec: { source } })).toEqual(model);
    expect(gateway.asked.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('waits for what it made until the gateway sees it', async () => {
    const there = stock();
    there.models = [];
    await using gateway = await startGateway(there);
    await using door = await opened(gateway);
    await door.makeModel({ metadata: { name: 'qwen' }, spec: model.spec });
    const leave = new AbortController();
    const versions = door.follow(models, 'qwen', leave.signal);
    const first = versions.next();
    await expect.poll(() => gateway.asked.filter(({ query }) => query.has('follow')).length).toBe(1);
    there.models.push(model);
    expect((await first).value).toEqual(model);
    leave.abort();
    await expect(versions.next()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('says at once that what it did not make is not there', async () => {
    await using gateway = await startGateway({});
    await using door = await opened(gateway);
    const versions = door.follow(models, 'qwen', new AbortController().signal);
    expect(await versions.next()).toMatchObject({ value: undefined, done: false });
    expect((await versions.next()).done).toBe(true);
  });

  it('follows on where a gateway went away in between', async () => {
    await using gateway = await startGateway(stock());
    await using door = await opened(gateway);
    const versions = door.follow(models, 'qwen', new AbortController().signal);
    expect((await versions.next()).value).toEqual(model);
    gateway.breakOff();
    expect((await versions.next()).value).toEqual(model);
    await versions.return(undefined);
  });

  it('asks servers by their whole names, and by what people say where it sees none', async () => {
    await using gateway = await startGateway(stock());
    await using door = await opened(gateway, { apiKey: 'key' });
    expect(await door.wayTo('chat')).toMatchObject({ url: gateway.url, model: 'ns/chat', apiKey: 'key' });
    await using blind = await startGateway(stock(), { scopes: ['infer'] });
    await using other = await opened(blind);
    expect(other.canLook).toBe(false);
    expect(await other.wayTo('llama3.1:8b')).toMatchObject({ model: 'llama3.1:8b' });
  });

  it('ends what it may not do with who may, and not as missing', async () => {
    const always = gatewayRefusal(403, 'insufficient_scope', 'may infer');
    await using gateway = await startGateway(stock(), { always });
    await using door = await opened(gateway);
    await expect(door.find(models, 'qwen')).rejects.toMatchObject({ exitCode: 4 });
  });
});
