import { describe, expect, it } from 'vitest';
import { aServerPod, withoutNode } from '../../testing/servers.ts';
import { unschedulable, type Wants } from './scheduler.ts';

const wants: Wants = {
  resources: { 'nvidia.com/gpu': '5', memory: '8Gi' },
  most: { 'nvidia.com/gpu': '4' },
  claims: ['claim qwen-1'],
};
const told = (message: string) => unschedulable(aServerPod('a', withoutNode(message)), wants);

describe('a pod without a node', () => {
  it.for([
    [
      '0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
      'none of 1 node can take it: 1 too little nvidia.com/gpu (5 wanted, no node has more than 4).',
    ],
    [
      '0/6 nodes are available: 1 Insufficient memory, 1 Insufficient cpu, 1 Too many pods, 3 node(s) were unschedulable. no new claims to deallocate, preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.',
      'none of 6 nodes can take it: 1 too little memory (8Gi wanted); 1 too little cpu; 1 full of pods; 3 cordoned.',
    ],
    [
      "0/4 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 1 node(s) had untolerated taint {team: a}, 1 node(s) had untolerated taint(s), 1 node(s) didn't match Pod's node affinity/selector.",
      'none of 4 nodes can take it: 1 tainted (node-role.kubernetes.io/control-plane), which spec.pod.tolerations does not tolerate; 1 tainted (team: a), which spec.pod.tolerations does not tolerate; 1 tainted, which spec.pod.tolerations does not tolerate; 1 not of spec.pod.nodeSelector or affinity.',
    ],
    [
      "0/2 nodes are available: 1 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod, 1 node(s) didn't find available persistent volumes to bind.",
      'none of 2 nodes can take it: 1 kept out by claim qwen-1, which one pod at a time may use (ReadWriteOncePod); 1 without a volume for claim qwen-1.',
    ],
    [
      '0/2 nodes are available: 2 node(s) said something new, with a comma.',
      'none of 2 nodes can take it: 2 node(s) said something new, with a comma.',
    ],
    ['persistentvolumeclaim "x" not found', 'persistentvolumeclaim "x" not found'],
    ['', ''],
  ] as const)('is explained: %s', ([said, words]) => {
    expect(told(said)).toEqual({ reason: 'Unschedulable', message: `Pod a: ${words}` });
  });

  it('is told apart where its volume is bound elsewhere', () => {
    expect(
      told(
        '0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) had volume node affinity conflict.',
      ),
    ).toEqual({
      reason: 'VolumeOutOfReach',
      message:
        'Pod a: none of 2 nodes can take it: 1 too little nvidia.com/gpu (5 wanted, no node has more than 4); 1 out of reach of the volume of claim qwen-1, which is bound to another node or zone.',
    });
  });

  it('is told apart where one of several volumes is bound elsewhere, with all of them', () => {
    const claims = ['claim qwen-1 (Model "qwen", made for node a)', 'claim small-1 (draft Model "small")'];
    const said = '0/2 nodes are available: 2 node(s) had volume node affinity conflict.';
    expect(unschedulable(aServerPod('a', withoutNode(said)), { ...wants, claims })?.message).toBe(
      'Pod a: none of 2 nodes can take it: 2 out of reach of the volume of claim qwen-1 (Model "qwen", made for node a) or of claim small-1 (draft Model "small"), each of which may be bound to a node or zone.',
    );
  });

  it('is told why it has to be where other pods are', () => {
    const said =
      "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match pod affinity rules.";
    const explained = (together?: string) =>
      unschedulable(aServerPod('a', withoutNode(said)), { ...wants, together })?.message.split('; 1 ')[1];
    expect(explained('claim qwen-1')).toBe(
      'not where the volume of claim qwen-1 is, with the pods that use it.',
    );
    expect(explained()).toBe('not near the pods that spec.pod.affinity names.');
  });

  it('is nothing but that', () => {
    const gated = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' };
    expect(unschedulable(aServerPod('a', { conditions: [gated] }), wants)).toBeUndefined();
    expect(unschedulable(aServerPod('a'), wants)).toBeUndefined();
  });
});
