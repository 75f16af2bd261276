import { describe, expect, it } from 'vitest';
import { Replicas } from './replicas.ts';
import { aPod, aServer, cachesOf } from './testing/objects.ts';

const server = aServer('chat');
const nothing = new Set<string>();

function replicasOf(pods: ReturnType<typeof aPod>[], now = () => 0) {
  return new Replicas({ pods: cachesOf({ pods }).pods, port: 8080, random: () => 0, now });
}

describe('replicas', () => {
  it('are the pods of the very server that run, are ready and stay', () => {
    const other = aServer('other');
    const replicas = replicasOf([
      aPod(server, '10.0.0.1'),
      aPod(server, 'fd00::1'),
      aPod(server, '10.0.0.2', { ready: false }),
      aPod(server, '10.0.0.3', { phase: 'Failed' }),
      aPod(server, '10.0.0.4', { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      aPod(other, '10.0.0.5'),
      aPod(aServer('chat', { namespace: 'elsewhere' }), '10.0.0.6'),
    ]);
    const origins = (...servers: (typeof server)[]) => replicas.ready(servers).map(({ origin }) => origin);
    expect(origins(server)).toEqual(['http://10.0.0.1:8080', 'http://[fd00::1]:8080']);
    expect(origins(server, other)).toHaveLength(3);
  });

  it('are taken by how many requests they have, and free again when released', () => {
    const replicas = replicasOf([aPod(server, '10.0.0.1'), aPod(server, '10.0.0.2')]);
    const take = () => replicas.take([server], nothing)!;
    const [first, second, third] = [take(), take(), take()];
    expect([first, second, third].map(({ origin }) => origin)).toEqual([
      'http://10.0.0.1:8080',
      'http://10.0.0.2:8080',
      'http://10.0.0.1:8080',
    ]);
    first.release();
    first.release();
    third.release();
    expect(replicas.underway(first)).toBe(0);
    expect(replicas.underway(second)).toBe(1);
    expect(take().origin).toBe('http://10.0.0.1:8080');
  });

  it('are not tried twice, and there is an end', () => {
    const replicas = replicasOf([aPod(server, '10.0.0.1'), aPod(server, '10.0.0.2')]);
    const tried = new Set<string>();
    for (let i = 0; i < 2; i++) tried.add(replicas.take([server], tried)!.uid);
    expect(tried.size).toBe(2);
    expect(replicas.take([server], tried)).toBeUndefined();
  });

  it('that could not be reached come last for five seconds', () => {
    let now = 0;
    const replicas = replicasOf([aPod(server, '10.0.0.1'), aPod(server, '10.0.0.2')], () => now);
    const lost = replicas.take([server], nothing)!;
    lost.avoid();
    lost.release();
    const next = () => {
      const taken = replicas.take([server], nothing)!;
      taken.release();
      return taken.origin;
    };
    expect(next()).toBe('http://10.0.0.2:8080');
    expect(replicas.take([server], new Set([replicas.ready([server])[1]!.uid]))?.origin).toBe(lost.origin);
    now = 5001;
    expect(replicas.ready([server]).map(({ origin }) => origin)).toContain(lost.origin);
  });
});
