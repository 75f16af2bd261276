import { describe, expect, it } from 'vitest';
import { aServer } from '../../testing/objects.ts';
import { aPodFrom, aRollingView, tooLate } from '../../testing/rollouts.ts';
import { containerThat } from '../../testing/servers.ts';
import type { ServerView } from '../view.ts';
import { failureOf } from './failure.ts';
import { readRecord } from './record.ts';

const rolling = aRollingView();
const record = readRecord(rolling.deployment);
const failure = (view: ServerView) => record && failureOf(view, record);
const withPod = (restartCount: number, ready = false) => {
  const pod = aPodFrom(record?.built, 'p', { ready, ...containerThat({ restartCount }) });
  // What the kubelet says of readiness goes with the pod, and not with how often it has ended.
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { ...rolling, pods: [{ ...pod, status: { ...pod.status, conditions } }] };
};

describe('what is being rolled out', () => {
  it('may come to serve while time is left and no pod has ended often', () => {
    expect(failure(rolling)).toBeUndefined();
    expect(failure(withPod(2))).toBeUndefined();
  });

  it('will not when a new pod has ended three times, and may when it is ready after all', () => {
    expect(failure(withPod(3))).toContain('Pod p ended again and again');
    expect(failure(withPod(3, true))).toBeUndefined();
  });

  it('will not when the time is over, with what was told last', () => {
    const late = aRollingView({ rollout: { progressDeadline: '90s' } }, tooLate);
    expect(failure(late)).toBe('The rollout stood still for 1m30s.');
    const lack = {
      type: 'Scheduled',
      status: 'False' as const,
      reason: 'Unschedulable',
      message: 'Pod p: no GPU',
    };
    const server = aServer({}, { conditions: [{ ...lack, lastTransitionTime: '' }] });
    expect(failure({ ...late, server })).toBe(
      'The rollout stood still for 1m30s. Unschedulable: Pod p: no GPU',
    );
  });

  it('is not judged by a status of the Deployment before, nor without pods', () => {
    expect(failure(aRollingView({}, { ...tooLate, observedGeneration: 0 }))).toBeUndefined();
    expect(failure(aRollingView({ replicas: 0 }, tooLate))).toBeUndefined();
    expect(failure({ ...rolling, deployment: undefined })).toBeUndefined();
  });
});
