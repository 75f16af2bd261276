import { describe, expect, it } from 'vitest';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { aServer, aServerView, meta } from '../testing/objects.ts';
import { aDeployedView, aServerPod, loading, whole } from '../testing/servers.ts';
import { countReplicas, newestPods } from './replicas.ts';

describe('countReplicas', () => {
  it('tells how many there are and answer, and what selects them', () => {
    expect(countReplicas(aDeployedView({}, whole)).status).toMatchObject({
      replicas: 1,
      readyReplicas: 1,
      ready: '1/1',
      selector: 'longshore.dev/server=chat',
    });
  });

  it('does so before there is anything', () => {
    const { status } = countReplicas(aServerView({ model: undefined, server: aServer({ replicas: 2 }) }));
    expect(status).toMatchObject({ replicas: 0, readyReplicas: 0, ready: '0/2', endpoint: undefined });
  });

  it('tells the address once the Service is there', () => {
    const service = { metadata: meta('chat') };
    expect(countReplicas(aDeployedView({ service })).status?.endpoint).toBe('http://chat.ns.svc');
  });

  it('counts no more than are wanted', () => {
    const server = aServer({ replicas: 0 });
    expect(countReplicas(aDeployedView({ server }, whole)).status).toMatchObject({
      ready: '0/0',
      readyReplicas: 1,
    });
  });
});

describe('the load', () => {
  const loadOf = (loads: [string, LoadState | 'silent'][], pods = [aServerPod('a'), aServerPod('b')]) =>
    countReplicas(aDeployedView({ pods, loads: new Map(loads) })).status?.load;

  it('is that of the slowest pod', () => {
    const pods = [aServerPod('a'), aServerPod('b'), aServerPod('c', { ready: true })];
    const loads: [string, LoadState][] = [
      ['a', loading(70)],
      ['b', loading(20)],
    ];
    expect(loadOf(loads, pods)).toEqual({ percent: 20, text: '20%' });
  });

  it('is whole when all pods are ready', () => {
    expect(loadOf([], [aServerPod('a', { ready: true })])).toEqual({ percent: 100, text: '100%' });
  });

  it('is not taken from a pod that is ready for one that is not', () => {
    const pods = [aServerPod('a', { ready: true }), aServerPod('b')];
    expect(loadOf([['a', { phase: 'ready', percent: 100 }]], pods)).toBeUndefined();
  });

  it('is not told of a pod that is silent, nor without any', () => {
    expect(loadOf([['a', 'silent']], [aServerPod('a')])).toBeUndefined();
    expect(loadOf([], [])).toBeUndefined();
  });

  it('is not told when none is wanted', () => {
    const server = aServer({ replicas: 0 });
    const pods = [aServerPod('a', { ready: true })];
    expect(countReplicas(aDeployedView({ server, pods })).status?.load).toBeUndefined();
  });
});

describe('newestPods', () => {
  const names = (...pods: Live<Pod>[]) =>
    newestPods(aDeployedView({ pods })).map(({ metadata }) => metadata.name);

  it('are those of what is wanted now, the newest first', () => {
    const old = aServerPod('old', { of: 'old', age: 1 });
    expect(names(old, aServerPod('a', { age: 9 }), aServerPod('b', { age: 5 }))).toEqual(['b', 'a']);
    expect(names(old)).toEqual([]);
  });

  it('are not those that are being deleted, or were evicted', () => {
    const gone = aServerPod('gone');
    const ending = { ...gone, metadata: { ...gone.metadata, deletionTimestamp: '2030-01-01T12:00:00Z' } };
    expect(names(ending, aServerPod('evicted', { phase: 'Failed' }), aServerPod('a'))).toEqual(['a']);
  });
});
