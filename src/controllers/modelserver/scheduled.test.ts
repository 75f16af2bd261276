import { describe, expect, it } from 'vitest';
import { reasons } from '../../api/reasons.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { aModel, anArtifact, aServer, aServerView } from '../testing/objects.ts';
import {
  aDeployedView,
  aDeploymentFor,
  aGpuNode,
  aNode,
  aServerPod,
  aWeightsClaim,
  ended,
  waitsFor,
  withoutNode,
} from '../testing/servers.ts';
import { placePods } from './scheduled.ts';

const starting = { at: 'waiting', reason: 'Starting' };

describe('placePods', () => {
  it('waits for a Deployment that its controller has seen', () => {
    const pods = [aServerPod('a')];
    expect(placePods(aServerView({ pods }))).toMatchObject(starting);
    expect(placePods(aDeployedView({ pods }, { observedGeneration: 0 }))).toMatchObject(starting);
    const { observedGeneration: _, ...unseen } = aDeploymentFor(aServerView()).status ?? {};
    const deployment = { ...aDeploymentFor(aServerView()), status: unseen };
    expect(placePods(aServerView({ deployment, pods }))).toMatchObject(starting);
  });

  it('does not go by the Deployment of the artifact before', () => {
    const deployment = aDeploymentFor(aServerView());
    const model = aModel({}, { artifact: anArtifact({ claimName: 'another' }) });
    expect(placePods(aServerView({ deployment, model, pods: [aServerPod('a')] }))).toMatchObject(starting);
  });

  it('waits for pods, and for a node for each', () => {
    expect(placePods(aDeployedView())).toMatchObject(starting);
    const pods = [aServerPod('a'), aServerPod('b', { phase: 'Pending' })];
    const server = aServer({ replicas: 2 });
    expect(placePods(aDeployedView({ server, pods }))).toMatchObject({
      ...starting,
      message: '1 of 2 pods have a node; the others are on their way.',
    });
  });

  it('is done when each has a node, whatever becomes of it there', () => {
    const scheduled = { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'True' }] };
    for (const status of [{}, scheduled, waitsFor('ErrImagePull')]) {
      expect(placePods(aDeployedView({ pods: [aServerPod('a', status)] }))).toMatchObject({
        at: 'done',
        message: '1 of 1 pods have a node.',
      });
    }
  });

  it('is done when none is wanted', () => {
    expect(placePods(aDeployedView({ server: aServer({ replicas: 0 }) })).at).toBe('done');
  });

  it('tells in the words of the scheduler why there is no node', () => {
    expect(placePods(aDeployedView({ pods: [aServerPod('a', withoutNode('no GPU'))] }))).toMatchObject({
      at: 'waiting',
      reason: 'Unschedulable',
      message: `Pod a: no GPU. ${reasons.Unschedulable.action}`,
    });
  });

  it('tells how much is wanted, and what the node with most of it has', () => {
    const message = '0/2 nodes are available: 2 Insufficient nvidia.com/gpu.';
    const view = {
      server: aServer({ gpu: { count: 5 } }),
      pods: [aServerPod('a', withoutNode(message))],
      nodes: [aGpuNode('small', { gpus: 1 }), aGpuNode('large', { gpus: 4 })],
    };
    expect(placePods(aDeployedView(view)).message).toBe(
      'Pod a: none of 2 nodes can take it: 2 too little nvidia.com/gpu (5 wanted, no node has more than 4). Free or add what is lacking, or ask for less in spec.gpu and spec.pod.',
    );
    expect(placePods(aDeployedView({ ...view, nodes: undefined })).message).toContain('(5 wanted)');
    expect(placePods(aDeployedView({ ...view, nodes: [aNode('cpu')] })).message).toContain('more than 0)');
  });

  it('tells of the memory that is asked for without a word in the spec', () => {
    const pods = [aServerPod('a', withoutNode('0/1 nodes are available: 1 Insufficient memory.'))];
    expect(placePods(aDeployedView({ pods })).message).toContain('memory (512Mi wanted)');
    const server = aServer({ pod: { resources: { limits: { memory: '9Gi' } } } });
    expect(placePods(aDeployedView({ server, pods })).message).toContain('memory (9Gi wanted)');
  });

  it('tells that no node fits before a pod has tried, and leaves the word to the pod then', () => {
    const memory = { weightsBytes: 24 * 2 ** 30, kvBytesPerToken: { f16: 1 } };
    const model = aModel({}, { artifact: anArtifact(), memory });
    const told = (...pods: Live<Pod>[]) => placePods(aDeployedView({ model, pods, nodes: [aGpuNode('a')] }));
    for (const pods of [[], [aServerPod('a', withoutNode('no GPU'))], [aServerPod('a')]]) {
      expect(told(...pods)).toMatchObject({ at: 'waiting', reason: 'NoNodeFits' });
    }
    expect(told(aServerPod('a', ended({ reason: 'Error' }))).at).toBe('done');
    expect(told(aServerPod('a', { ready: true })).at).toBe('done');
  });

  it('tells that a volume cannot be where all pods are', () => {
    const claims = [aWeightsClaim('c', ['ReadWriteOncePod'])];
    expect(placePods(aDeployedView({ server: aServer({ replicas: 2 }), claims }))).toMatchObject({
      at: 'blocked',
      reason: 'VolumeNotShared',
    });
  });

  it('tells that several pods are kept on one node, and for which claim', () => {
    const pods = [aServerPod('a'), aServerPod('b')];
    const told = (replicas: number, accessMode: string) => {
      const claims = [aWeightsClaim('c', [accessMode])];
      const view = { server: aServer({ replicas }), claims, pods: pods.slice(0, replicas) };
      return placePods(aDeployedView(view)).message;
    };
    expect(told(2, 'ReadWriteOnce')).toBe(
      '2 of 2 pods have a node, the same for all: claim c (Model "qwen") is on one node at a time.',
    );
    expect(told(2, 'ReadWriteMany')).toBe('2 of 2 pods have a node.');
    expect(told(1, 'ReadWriteOnce')).toBe('1 of 1 pods have a node.');
  });

  it('tells which claims the volume that is out of reach may be of, and where they were made', () => {
    const said = '0/1 nodes are available: 1 node(s) had volume node affinity conflict.';
    const claims = [
      aWeightsClaim('c', ['ReadWriteOnce'], { madeFor: 'n' }),
      aWeightsClaim('d', ['ReadWriteOnce'], { of: ['draft Model "small"'] }),
    ];
    const nodes = [aNode('n', { 'topology.kubernetes.io/zone': 'west' })];
    const pods = [aServerPod('a', withoutNode(said))];
    expect(placePods(aDeployedView({ claims, nodes, pods }))).toEqual({
      at: 'waiting',
      reason: 'VolumeOutOfReach',
      message:
        'Pod a: none of 1 node can take it: 1 out of reach of the volume of claim c (Model "qwen", made for node n of zone west) or of claim d (draft Model "small"), each of which may be bound to a node or zone. Make room on the nodes that reach the volumes, or have the Model pulled onto another one: a StorageClass in spec.storage.storageClassName that all nodes reach.',
    });
  });

  it('counts the pods that lack the same', () => {
    const pods = ['a', 'b', 'c'].map((name) => aServerPod(name, withoutNode('no GPU')));
    const server = aServer({ replicas: 3 });
    expect(placePods(aDeployedView({ server, pods })).message).toBe(
      `Pod a: no GPU; and so 2 other pods. ${reasons.Unschedulable.action}`,
    );
  });

  it('does not go by pods of an older kind', () => {
    const pods = [aServerPod('old', { of: 'old', age: 600, ...withoutNode('no GPU') }), aServerPod('a')];
    expect(placePods(aDeployedView({ pods })).at).toBe('done');
  });

  it.for([
    ['exceeded quota: gpus', 'waiting', 'QuotaExceeded', reasons.QuotaExceeded.action],
    [
      'violates PodSecurity "restricted:latest"',
      'blocked',
      'WriteRefused',
      'Mend what is named there, or ask for another pod in spec.pod.',
    ],
  ] as const)('tells why a pod could not be made: %s', ([message, at, reason, remedy]) => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', message }];
    expect(placePods(aDeployedView({}, { conditions }))).toEqual({
      at,
      reason,
      message: `A pod could not be made: ${message}. ${remedy}`,
    });
    const over = [{ type: 'ReplicaFailure', status: 'False', message }];
    expect(placePods(aDeployedView({ pods: [aServerPod('a')] }, { conditions: over })).at).toBe('done');
  });
});
