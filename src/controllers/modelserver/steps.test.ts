import { describe, expect, it } from 'vitest';
import type { Deployment, Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { aModel, anArtifact, aServer, aServerView, meta, secondsAgo } from '../testing/objects.ts';
import { resolveModel, runWorkload } from './steps.ts';

type PodStatus = NonNullable<Pod['status']>;

function aPod(name: string, { ready = false, ...status }: PodStatus & { ready?: boolean } = {}): Live<Pod> {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { metadata: meta(name), status: { phase: 'Running', conditions, ...status } };
}

/** A container that ended before and is started again. */
function ended(end: { message?: string; reason?: string }): PodStatus {
  const lastState = { terminated: { exitCode: 1, ...end } };
  return {
    containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 1, lastState }],
  };
}

function aDeployment(status: NonNullable<Deployment['status']>, generation = 1): Live<Deployment> {
  return { metadata: meta('chat', { generation }), status: { observedGeneration: generation, ...status } };
}
const complete = { replicas: 1, updatedReplicas: 1, readyReplicas: 1 };
const loading = (percent: number): LoadState => ({ phase: 'loading', percent });

describe('resolveModel', () => {
  it('is blocked without a Model', () => {
    expect(resolveModel(aServerView({ model: undefined }))).toMatchObject({
      at: 'blocked',
      reason: 'ModelNotFound',
      message: 'There is no Model "qwen" in namespace "ns". Create it, or correct spec.modelRef.name.',
    });
  });

  it('waits for what the Model publishes, and tells where the Model stands', () => {
    expect(resolveModel(aServerView({ model: aModel() }))).toMatchObject({
      at: 'waiting',
      reason: 'ModelNotReady',
      message: 'Model "qwen": it has not been looked at yet',
    });
    const ready = { type: 'Ready', status: 'False' as const, reason: 'Pulling', message: '42 of 100.' };
    const model = aModel({}, { conditions: [{ ...ready, lastTransitionTime: secondsAgo(0) }] });
    expect(resolveModel(aServerView({ model })).message).toBe('Model "qwen": Pulling: 42 of 100.');
  });

  it('uses what is published even while the Model is on its way to something else', () => {
    const ready = { type: 'Ready', status: 'False' as const, reason: 'Pulling', message: '' };
    const conditions = [{ ...ready, lastTransitionTime: secondsAgo(0) }];
    const { revision, digest, claimName } = anArtifact();
    expect(
      resolveModel(aServerView({ model: aModel({}, { conditions, artifact: anArtifact() }) })),
    ).toMatchObject({
      at: 'done',
      status: { model: { name: 'qwen', revision, digest, claimName } },
    });
  });
});

describe('runWorkload', () => {
  it('wants a Service and a Deployment, wherever things stand', () => {
    for (const deployment of [undefined, aDeployment(complete)]) {
      const kinds = runWorkload(aServerView({ deployment })).apply?.map(({ kind }) => kind.kind);
      expect(kinds?.toSorted()).toEqual(['Deployment', 'Service']);
    }
  });

  it('is done when every replica of the newest kind answers', () => {
    const pods = [aPod('a', { ready: true })];
    expect(runWorkload(aServerView({ deployment: aDeployment(complete), pods }))).toMatchObject({
      at: 'done',
      message: '1 of 1 answer at http://chat.ns.svc.',
      status: {
        ready: '1/1',
        readyReplicas: 1,
        load: { percent: 100, text: '100%' },
        selector: 'longshore.dev/server=chat',
      },
    });
  });

  it.for([
    ['a status that is about an older spec', { ...complete, observedGeneration: 0 }],
    ['a replica that is not ready', { ...complete, readyReplicas: 0 }],
    ['a replica of the old kind', { ...complete, updatedReplicas: 0 }],
    ['a replica of the old kind that still runs', { ...complete, replicas: 2 }],
    ['a replica that is not available', { ...complete, unavailableReplicas: 1 }],
    ['no replica yet', {}],
  ] as const)('waits with %s', ([, status]) => {
    expect(runWorkload(aServerView({ deployment: aDeployment(status) })).at).toBe('waiting');
  });

  it('is done at zero replicas when none is left', () => {
    const server = aServer({ replicas: 0 });
    const none = runWorkload(aServerView({ server, deployment: aDeployment({}) }));
    expect(none).toMatchObject({ at: 'done', message: 'Scaled to zero.', status: { ready: '0/0' } });
    expect(none.status?.load).toBeUndefined();
    const left = runWorkload(aServerView({ server, deployment: aDeployment(complete) }));
    expect(left.at).toBe('waiting');
  });

  it('shows the load of the slowest pod', () => {
    const pods = [aPod('a'), aPod('b'), aPod('c', { ready: true })];
    const loads = new Map([
      ['a', loading(70)],
      ['b', loading(20)],
    ]);
    expect(runWorkload(aServerView({ deployment: aDeployment({}), pods, loads }))).toMatchObject({
      at: 'waiting',
      reason: 'Loading',
      recheckAfter: 2,
      status: { load: { percent: 20, text: '20%' } },
    });
  });

  it('is Starting until a pod runs', () => {
    const pods = [aPod('a', { phase: 'Pending' })];
    expect(runWorkload(aServerView({ deployment: aDeployment({}), pods }))).toMatchObject({
      reason: 'Starting',
      status: { load: undefined },
    });
  });

  it('is blocked with the words of a runtime that cannot load', () => {
    const message = JSON.stringify({ failure: { reason: 'LoadFailed', message: 'unknown architecture' } });
    expect(runWorkload(aServerView({ pods: [aPod('a', ended({ message }))] }))).toMatchObject({
      at: 'blocked',
      reason: 'LoadFailed',
      message: 'Pod a: unknown architecture',
      recheckAfter: 30,
    });
  });

  it('is blocked when a pod is killed for its memory', () => {
    const pods = [aPod('a', ended({ reason: 'OOMKilled' }))];
    expect(runWorkload(aServerView({ pods }))).toMatchObject({ at: 'blocked', reason: 'LoadFailed' });
  });

  it('does not take any other last word for a failed load', () => {
    for (const message of ['Killed', '{"failure":{"reason":"Bored","message":"x"}}', '']) {
      expect(runWorkload(aServerView({ pods: [aPod('a', ended({ message }))] })).at).toBe('waiting');
    }
  });

  it('forgets a failure as soon as all answer', () => {
    const message = JSON.stringify({ failure: { reason: 'LoadFailed', message: 'once' } });
    const pods = [aPod('a', { ...ended({ message }), ready: true })];
    expect(runWorkload(aServerView({ deployment: aDeployment(complete), pods })).at).toBe('done');
  });

  it('tells what keeps a pod from starting', () => {
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no GPU' };
    const pods = [aPod('a', { phase: 'Pending', conditions: [condition] })];
    expect(runWorkload(aServerView({ pods }))).toMatchObject({
      at: 'waiting',
      reason: 'Unschedulable',
      message: 'Pod a: no GPU',
    });
  });
});
