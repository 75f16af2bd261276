import { describe, expect, it } from 'vitest';
import type { Pod } from '../kube/builtin.ts';
import type { Live } from '../kube/kind.ts';
import {
  evictionOf,
  hasSucceeded,
  isPlaced,
  lossOf,
  newestFirst,
  terminationMessage,
  troubleOf,
} from './pods.ts';
import { meta } from './testing/objects.ts';

type Status = NonNullable<Pod['status']>;
type Container = NonNullable<Status['containerStatuses']>[number];

const pod = (status: Status): Live<Pod> => ({ metadata: meta('p'), status });
const container = (more: Partial<Container>): Status => ({
  containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, ...more }],
});
const waiting = (reason: string) => container({ state: { waiting: { reason, message: 'so\nit is' } } });

describe('troubleOf', () => {
  it('tells what the scheduler says', () => {
    const condition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: '0/3 nodes',
    };
    expect(troubleOf(pod({ conditions: [condition] }))).toEqual({
      reason: 'Unschedulable',
      message: 'Pod p: 0/3 nodes',
    });
  });

  it.for([
    ['ErrImagePull', 'ImagePullFailed'],
    ['ImagePullBackOff', 'ImagePullFailed'],
    ['InvalidImageName', 'ImagePullFailed'],
    ['ErrImageNeverPull', 'ImagePullFailed'],
    ['CreateContainerConfigError', 'Starting'],
    ['CreateContainerError', 'Starting'],
  ] as const)('tells of %s as %s', ([said, reason]) => {
    expect(troubleOf(pod(waiting(said)))).toEqual({ reason, message: `Pod p: ${said}: so it is` });
  });

  it('is nothing while all goes its way', () => {
    expect(troubleOf(pod({}))).toBeUndefined();
    expect(troubleOf(pod(waiting('ContainerCreating')))).toBeUndefined();
    const waitsForGates = { type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' };
    expect(troubleOf(pod({ conditions: [waitsForGates] }))).toBeUndefined();
  });
});

describe('isPlaced', () => {
  it('is whether there is a node, by the scheduler or by what the kubelet says', () => {
    const scheduled = (status: string) => ({ conditions: [{ type: 'PodScheduled', status }] });
    expect(isPlaced(pod(scheduled('True')))).toBe(true);
    expect(isPlaced(pod({ phase: 'Running' }))).toBe(true);
    expect(isPlaced(pod({ phase: 'Pending', ...container({}) }))).toBe(true);
    expect(isPlaced(pod({ phase: 'Pending', ...scheduled('False') }))).toBe(false);
    expect(isPlaced(pod({}))).toBe(false);
  });
});

describe('lossOf', () => {
  const state = (ready: string, isContainerReady: boolean, phase = 'Running') => ({
    ...pod({
      phase,
      conditions: [{ type: 'Ready', status: ready }],
      ...container({ ready: isContainerReady }),
    }),
    spec: { containers: [], nodeName: 'worker-3' },
  });

  it('tells of a pod that is not ready while its containers are', () => {
    expect(lossOf(state('False', true))).toEqual({
      reason: 'NodeLost',
      message:
        'Node worker-3 does not answer, and pod p runs there. The pull goes on when it is back. If the node is gone for good, delete it (kubectl delete node worker-3), and the pull goes on elsewhere.',
    });
  });

  it('is nothing while the kubelet answers, and when the pod has ended', () => {
    expect(lossOf(state('True', true))).toBeUndefined();
    expect(lossOf(state('False', false))).toBeUndefined();
    expect(lossOf(state('False', true, 'Failed'))).toBeUndefined();
    expect(
      lossOf(pod({ phase: 'Running', conditions: [{ type: 'Ready', status: 'False' }] })),
    ).toBeUndefined();
    expect(lossOf(pod({}))).toBeUndefined();
  });
});

describe('evictionOf', () => {
  const target = (status: string) =>
    pod({
      conditions: [{ type: 'DisruptionTarget', status, reason: 'PreemptionByScheduler', message: 'room\n' }],
    });

  it('tells why a pod had to go, and of no other', () => {
    expect(evictionOf(target('True'))).toBe(
      'Pod p was evicted (PreemptionByScheduler: room). Another goes on from what is on the volume.',
    );
    expect(evictionOf(target('False'))).toBeUndefined();
    expect(evictionOf(pod({}))).toBeUndefined();
  });
});

describe('terminationMessage', () => {
  const ended = (message: string) => ({ terminated: { exitCode: 1, message } });

  it('is of this run, else of the one before', () => {
    expect(terminationMessage(pod(container({ state: ended('now'), lastState: ended('then') })))).toBe('now');
    expect(terminationMessage(pod(container({ state: { running: {} }, lastState: ended('then') })))).toBe(
      'then',
    );
    expect(terminationMessage(pod(container({ state: { running: {} } })))).toBeUndefined();
    expect(terminationMessage(pod({}))).toBeUndefined();
  });
});

describe('hasSucceeded', () => {
  it('is so of a container that ended with 0 and is not started again', () => {
    const ended = (exitCode: number) => ({ terminated: { exitCode } });
    expect(hasSucceeded(pod(container({ state: ended(0) })))).toBe(true);
    for (const other of [
      container({ state: ended(1) }),
      container({ state: { running: {} }, lastState: ended(0) }),
      {},
    ])
      expect(hasSucceeded(pod(other))).toBe(false);
  });
});

describe('newestFirst', () => {
  it('sorts by when objects were made, and those that do not say it last', () => {
    const made = (name: string, creationTimestamp?: string) => ({
      metadata: meta(name, creationTimestamp === undefined ? {} : { creationTimestamp }),
    });
    const objects = [made('b', '2030-01-02T00:00:00Z'), made('none'), made('c', '2030-01-03T00:00:00Z')];
    expect(newestFirst(objects).map(({ metadata }) => metadata.name)).toEqual(['c', 'b', 'none']);
  });
});
