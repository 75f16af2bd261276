import { describe, expect, it } from 'vitest';
import { pods } from './builtin.ts';
import { connect } from './client.ts';
import { fencedClient, NotLeaderError } from './fence.ts';
import { ScriptedApi } from './testing/scripted-api.ts';

const pod = { namespace: 'n', name: 'p' };
const object = { metadata: pod };

async function aFencedClient(api: ScriptedApi) {
  await api.listen();
  const ended = new AbortController();
  let late = false;
  const fence = {
    lost: ended.signal,
    check: () => {
      if (late || ended.signal.aborted) throw new NotLeaderError('lost');
    },
  };
  return {
    client: fencedClient(connect(api.kubeConfig(), { fieldManager: 'test' }), fence),
    lose: () => ended.abort(new NotLeaderError('lost')),
    /** Nobody has noticed yet: what a process meets when it wakes. */
    oversleep: () => (late = true),
  };
}

type Client = Awaited<ReturnType<typeof aFencedClient>>['client'];

const writes: Record<string, (client: Client, signal?: AbortSignal) => Promise<unknown>> = {
  create: (client, signal) => client.create(pods, object, { signal }),
  apply: (client, signal) => client.apply(pods, object, { signal }),
  applyStatus: (client, signal) => client.applyStatus(pods, object, { signal }),
  patch: (client, signal) => client.patch(pods, pod, {}, { signal }),
  delete: (client, signal) => client.delete(pods, pod, { signal }),
};

describe.each(Object.entries(writes))('a fenced client asked to %s', (_, write) => {
  it('sends it while this process leads, and nothing when it has led for too long', async () => {
    await using api = new ScriptedApi();
    const { client, oversleep } = await aFencedClient(api);
    const writing = write(client);
    (await api.requests.next()).answer(200, { metadata: pod });
    await writing;
    oversleep();
    await expect(write(client)).rejects.toThrow(NotLeaderError);
    expect(api.requests.length).toBe(0);
    const read = client.get(pods, pod);
    const exchange = await api.requests.next();
    expect(exchange.method).toBe('GET');
    exchange.answer(200, object);
    expect(await read).toEqual(object);
  });

  it('does not send it when leadership ended while a connection was made', async () => {
    await using api = new ScriptedApi();
    const { client, oversleep } = await aFencedClient(api);
    const writing = write(client);
    oversleep();
    await expect(writing).rejects.toThrow(NotLeaderError);
    expect(api.requests.length).toBe(0);
    const read = client.get(pods, pod);
    (await api.requests.next()).answer(200, object);
    expect(await read).toEqual(object);
  });

  it('gives it up when leadership ends before the answer, or its caller does', async () => {
    await using api = new ScriptedApi();
    const { client, lose } = await aFencedClient(api);
    const caller = new AbortController();
    const first = write(client, caller.signal);
    await api.requests.next();
    caller.abort(new Error('caller'));
    await expect(first).rejects.toThrow('caller');
    const others = [write(client), write(client, new AbortController().signal)];
    await Promise.all(others.map(() => api.requests.next()));
    lose();
    for (const other of others) await expect(other).rejects.toThrow(NotLeaderError);
  });

  it('does not send it again for a server that asked to wait, when leadership ended meanwhile', async () => {
    await using api = new ScriptedApi();
    const { client, oversleep } = await aFencedClient(api);
    const first = write(client);
    (await api.requests.next()).answer(429, {}, { 'retry-after': '1' });
    setTimeout(oversleep, 10);
    await expect(first).rejects.toThrow(NotLeaderError);
    expect(api.requests.length).toBe(0);
  });

  it('does not wait for such a server when leadership ends', async () => {
    await using api = new ScriptedApi();
    const { client, lose } = await aFencedClient(api);
    const writing = write(client);
    (await api.requests.next()).answer(429, {}, { 'retry-after': '5' });
    const before = performance.now();
    setTimeout(lose, 10);
    await expect(writing).rejects.toThrow(NotLeaderError);
    expect(performance.now() - before).toBeLessThan(3000);
  });
});
