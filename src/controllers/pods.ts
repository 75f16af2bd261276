import { labels } from './labels.ts';
import { condense } from './text.ts';
import type { Pod } from '../kube/builtin.ts';
import { findCondition } from '../kube/conditions.ts';
import type { Live } from '../kube/kind.ts';
import type { Reason } from '../api/reasons.ts';

/** What is wrong with a pod that has not started, in the words of the scheduler or the kubelet. */
export interface PodTrouble {
  reason: Extract<Reason, 'Unschedulable' | 'ImagePullFailed' | 'Starting'>;
  message: string;
}

const imageReasons = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);

/** Why a pod does not run, when something besides time is in its way. */
export function troubleOf(pod: Live<Pod>): PodTrouble | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable') {
    return {
      reason: 'Unschedulable',
      message: `Pod ${pod.metadata.name}: ${condense(scheduled.message ?? '')}`,
    };
  }
  for (const { state } of pod.status?.containerStatuses ?? []) {
    const { reason, message } = state?.waiting ?? {};
    if (reason === undefined) continue;
    const text = `Pod ${pod.metadata.name}: ${reason}: ${condense(message ?? '')}`;
    if (imageReasons.has(reason)) return { reason: 'ImagePullFailed', message: text };
    if (reason === 'CreateContainerConfigError' || reason === 'CreateContainerError') {
      return { reason: 'Starting', message: text };
    }
  }
  return undefined;
}

/** Whether it is a pod of this task of a Model (jobs.ts) that has not ended. */
export function isAtWork(pod: Live<Pod>, task: string): boolean {
  return pod.metadata.labels?.[labels.task] === task && !hasEnded(pod);
}

/** Whether none of its containers will run again. */
export function hasEnded({ status }: Live<Pod>): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

export function isReady({ status }: Live<Pod>): boolean {
  return findCondition(status?.conditions, 'Ready')?.status === 'True';
}

/** The termination message of the container's last end, newest first: of this run, else of the one before. */
export function terminationMessage(pod: Live<Pod>): string | undefined {
  const status = pod.status?.containerStatuses?.[0];
  return (status?.state?.terminated ?? status?.lastState?.terminated)?.message;
}

/** Whether the container ended well: it is done with what it was for, whatever becomes of the pod. */
export function hasSucceeded({ status }: Live<Pod>): boolean {
  return status?.containerStatuses?.[0]?.state?.terminated?.exitCode === 0;
}

export function newestFirst<T extends { metadata: { creationTimestamp?: string | undefined } }>(
  objects: T[],
): T[] {
  return objects.toSorted((a, b) =>
    (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? ''),
  );
}
