import { describe, expect, it } from 'vitest';
import type { KubeClient } from './client.ts';
import { jobs } from './builtin.ts';
import { observingClient } from './observing.ts';

const answer = { metadata: { name: 'a', namespace: 'ns', uid: 'u', resourceVersion: '7' } };

/** A client of which every call is answered with the same object. */
function answering(): KubeClient {
  const call = () => Promise.resolve(answer);
  const methods = [
    'get',
    'list',
    'watch',
    'create',
    'apply',
    'applyStatus',
    'patch',
    'delete',
    'readLog',
    'close',
  ];
  return Object.fromEntries(methods.map((method) => [method, call])) as unknown as KubeClient;
}

describe('observingClient', () => {
  const ref = { namespace: 'ns', name: 'a' };
  const calls: [string, (client: KubeClient) => Promise<unknown>][] = [
    ['create', (client) => client.create(jobs, {})],
    ['apply', (client) => client.apply(jobs, {})],
    ['applyStatus', (client) => client.applyStatus(jobs, {})],
    ['patch', (client) => client.patch(jobs, ref, {})],
  ];
  it.each(calls)('shows what %s was answered with before it resolves', async (_, call) => {
    const seen: unknown[] = [];
    const client = observingClient(answering(), (kind, object) => seen.push([kind.plural, object]));
    await call(client).then((object) => seen.push(object));
    expect(seen).toEqual([['jobs', answer], answer]);
  });

  it('shows nothing of reads, deletions and writes that fail', async () => {
    const seen: unknown[] = [];
    const failing = { ...answering(), apply: () => Promise.reject(new Error('refused')) };
    const client = observingClient(failing, (_, object) => seen.push(object));
    await expect(client.apply(jobs, {})).rejects.toThrow('refused');
    await client.get(jobs, ref);
    await client.delete(jobs, ref);
    expect(seen).toEqual([]);
  });
});
