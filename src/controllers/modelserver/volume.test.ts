import { describe, expect, it } from 'vitest';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { aClaim, aServer, aServerView } from '../testing/objects.ts';
import { aGpuNode, aServerPod, waitsFor, type PodChoices } from '../testing/servers.ts';
import type { ServerView } from './view.ts';
import { volumeTrouble } from './volume.ts';

const scheduled = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
function on(nodeName: string, name: string, more: PodChoices = {}): Live<Pod> {
  return { ...aServerPod(name, more), spec: { containers: [], nodeName } };
}
const claimOf = (...accessModes: string[]) => aClaim('qwen-1', { status: { accessModes } });
const told = (claim: ServerView['claim'], pods: Live<Pod>[], more: object = {}) =>
  volumeTrouble(aServerView({ server: aServer({ replicas: 2 }), claim, ...more }), pods);

const remedy =
  'Have the Model on a claim that many nodes may mount (spec.storage.accessModes: [ReadWriteMany], of a StorageClass that offers it), or keep the replicas on one node.';
const apart = [on('a', 'one', { ready: true }), on('b', 'two', scheduled)];

describe('a volume that is on one node at a time', () => {
  it('is told of when a pod on a second node waits for it', () => {
    expect(told(claimOf('ReadWriteOnce'), apart)).toEqual({
      at: 'waiting',
      reason: 'VolumeNotShared',
      message: `Claim qwen-1 is ReadWriteOnce: its volume can be on one node at a time, and its pods are on a, b. ${remedy}`,
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
      message: `Claim qwen-1 is ReadWriteOnce: its volume can be on one node at a time, and no node has 6 nvidia.com/gpu for all 3 replicas; the most that one has is 4. ${remedy}`,
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
    message: `Claim qwen-1 may be used by one pod at a time (ReadWriteOncePod), and 2 replicas are wanted. ${remedy}`,
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
  const claim = aClaim('qwen-1', { spec: { accessModes: ['ReadWriteOncePod'] } });
  expect(told(claim, [])?.at).toBe('blocked');
});
