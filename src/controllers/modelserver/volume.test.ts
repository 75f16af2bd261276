import { describe, expect, it } from 'vitest';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { labels } from '../labels.ts';
import { aServer, aServerView, meta } from '../testing/objects.ts';
import { aGpuNode, aServerPod, aWeightsClaim, waitsFor, type PodChoices } from '../testing/servers.ts';
import type { WeightsClaim } from './claims.ts';
import type { ServerView } from './view.ts';
import { volumeTrouble } from './volume.ts';

const scheduled = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
function on(nodeName: string, name: string, more: PodChoices = {}): Live<Pod> {
  return { ...aServerPod(name, more), spec: { containers: [], nodeName } };
}
const claimOf = (...accessModes: string[]) => aWeightsClaim('qwen-1', accessModes);
const told = (claim: WeightsClaim | undefined, pods: Live<Pod>[], more: Partial<ServerView> = {}) =>
  volumeTrouble(
    aServerView({ server: aServer({ replicas: 2 }), claims: claim ? [claim] : [], ...more }),
    pods,
  );

const remedyFor = (model: string) =>
  `Have ${model} on a claim that many nodes may mount (spec.storage.accessModes: [ReadWriteMany], of a StorageClass that offers it), or keep all pods that use it on one node (spec.pod.nodeSelector).`;
const remedy = remedyFor('Model "qwen"');
const apart = [on('a', 'one', { ready: true }), on('b', 'two', scheduled)];

describe('a volume that is on one node at a time', () => {
  it('is told of when a pod on a second node waits for it', () => {
    expect(told(claimOf('ReadWriteOnce'), apart)).toEqual({
      at: 'waiting',
      reason: 'VolumeNotShared',
      message: `Claim qwen-1 (Model "qwen") is ReadWriteOnce: its volume can be on one node at a time, and pods that use it are on a, b. ${remedy}`,
    });
  });

  it('is not while pods are on one node, or have their volume on several', () => {
    const together = [on('a', 'one', { ready: true }), on('a', 'two', scheduled)];
    expect(told(claimOf('ReadWriteOnce'), together)).toBeUndefined();
    const begun = [on('a', 'one', { ready: true }), on('b', 'two', waitsFor('ErrImagePull'))];
    expect(told(claimOf('ReadWriteOnce'), begun)).toBeUndefined();
  });

  it('is told of before there is a pod, where no node has the GPUs of all replicas', () => {
    const server = aServer({ replicas: 3, gpu: { count: 2 } });
    expect(told(claimOf('ReadWriteOnce'), [], { server, nodes: [aGpuNode('a'), aGpuNode('b')] })).toEqual({
      at: 'waiting',
      reason: 'VolumeNotShared',
      message: `Claim qwen-1 (Model "qwen") is ReadWriteOnce: its volume can be on one node at a time, and no node has 6 nvidia.com/gpu for all 3 replicas; the most that one has is 4. ${remedy}`,
    });
    const nodes = [aGpuNode('a', { gpus: 6 })];
    expect(told(claimOf('ReadWriteOnce'), [], { server, nodes })).toBeUndefined();
    // One that has not a single one's GPUs is another matter.
    expect(
      told(claimOf('ReadWriteOnce'), [], { server, nodes: [aGpuNode('a', { gpus: 1 })] }),
    ).toBeUndefined();
    const cpu = aServer({ replicas: 3, gpu: { count: 0 } });
    expect(told(claimOf('ReadWriteOnce'), [], { server: cpu, nodes })).toBeUndefined();
  });
});

it('a claim for one pod cannot serve two', () => {
  expect(told(claimOf('ReadWriteOncePod'), [])).toEqual({
    at: 'blocked',
    reason: 'VolumeNotShared',
    message: `Claim qwen-1 (Model "qwen") may be used by one pod at a time (ReadWriteOncePod), and 2 replicas are wanted. ${remedy}`,
  });
});

it.for([
  ['a single replica', { server: aServer() }, claimOf('ReadWriteOncePod')],
  ['a claim that many nodes may mount', {}, claimOf('ReadWriteOnce', 'ReadOnlyMany')],
  ['another one', {}, claimOf('ReadWriteMany')],
  ['a claim that is not seen', {}, undefined],
  ['a claim that does not say', {}, claimOf()],
] as const)('there is nothing to tell of %s', ([, more, claim]) => {
  expect(told(claim, apart, more)).toBeUndefined();
});

it('what all pods have is not told of', () => {
  const ready = [on('a', 'one', { ready: true }), on('b', 'two', { ready: true })];
  expect(told(claimOf('ReadWriteOncePod'), ready)).toBeUndefined();
});

it('goes by what was asked for until the volume is bound', () => {
  const { claim, ...rest } = claimOf();
  const unbound = { ...claim, status: {}, spec: { accessModes: ['ReadWriteOncePod'] } };
  expect(told({ ...rest, claim: unbound }, [])?.at).toBe('blocked');
});

describe('volumes of several Models', () => {
  const server = aServer();
  const own = claimOf('ReadWriteMany');
  /** A pod of another server that uses the claim. */
  const other = (node: string, more: PodChoices = {}): Live<Pod> => ({
    ...on(node, 'small-0', more),
    metadata: meta('small-0', { labels: { [labels.server]: 'small' } }),
  });
  const draft = (accessMode: string, pods: Live<Pod>[]) =>
    aWeightsClaim('small-1', [accessMode], { of: ['draft Model "small"'], pods });

  it('are each told of, with the Model that is there and who uses it', () => {
    const claims = [own, draft('ReadWriteOnce', [other('a', { ready: true })])];
    expect(told(undefined, [on('b', 'one', scheduled)], { server, claims })).toEqual({
      at: 'waiting',
      reason: 'VolumeNotShared',
      message: `Claim small-1 (draft Model "small") is ReadWriteOnce: its volume can be on one node at a time, and pods of this server and of others that use it are on a, b. ${remedyFor('draft Model "small"')}`,
    });
    expect(told(undefined, [on('a', 'one', scheduled)], { server, claims })).toBeUndefined();
    const gone = [own, draft('ReadWriteOnce', [other('a', { phase: 'Failed' })])];
    expect(told(undefined, [on('b', 'one', scheduled)], { server, claims: gone })).toBeUndefined();
  });

  it('are told of where one pod at a time may use one, and another server has it', () => {
    const claims = [own, draft('ReadWriteOncePod', [other('a')])];
    expect(told(undefined, [], { server, claims })).toEqual({
      at: 'waiting',
      reason: 'VolumeNotShared',
      message: `Claim small-1 (draft Model "small") may be used by one pod at a time (ReadWriteOncePod), and pod small-0 of another server uses it. ${remedyFor('draft Model "small"')}`,
    });
    const gone = [own, draft('ReadWriteOncePod', [other('a', { phase: 'Succeeded' })])];
    expect(told(undefined, [], { server, claims: gone })).toBeUndefined();
    // While it rolls, a pod of its own has it still.
    const ownPod = { ...on('a', 'old'), metadata: meta('old', { labels: { [labels.server]: 'chat' } }) };
    expect(
      told(undefined, [], { server, claims: [own, draft('ReadWriteOncePod', [ownPod])] }),
    ).toBeUndefined();
  });
});
