import { labels } from './labels.ts';
import { condense } from './text.ts';
import type { Pod } from '../kube/builtin.ts';
import { findCondition } from '../kube/conditions.ts';
import type { Live } from '../kube/kind.ts';
import type { Reason } from '../api/reasons.ts';

/** What is wrong with a pod that has not started, in the words of the scheduler or the kubelet. */
export interface PodTrouble {
  reason: Extract<Reason, 'Unschedulable' | 'ImagePullFailed' | 'Starting' | 'NodeLost'>;
  message: string;
}

const imageReasons = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);

/** Why a pod does not run, when something besides time is in its way. */
export function troubleOf(pod: Live<Pod>): PodTrouble | undefined {
  return unschedulable(pod) ?? startTrouble(pod);
}

/** Why a pod has no node, in the words of the scheduler. */
export function unschedulable({ metadata, status }: Live<Pod>): PodTrouble | undefined {
  const scheduled = findCondition(status?.conditions, 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason !== 'Unschedulable') return undefined;
  return { reason: 'Unschedulable', message: `Pod ${metadata.name}: ${condense(scheduled.message ?? '')}` };
}

/** Why the containers of a pod do not start, in the words of the kubelet. */
function startTrouble(pod: Live<Pod>): PodTrouble | undefined {
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

/** Whether it has a node: only then has it a kubelet that says anything of its containers. */
export function isPlaced({ status }: Live<Pod>): boolean {
  const scheduled = findCondition(status?.conditions, 'PodScheduled')?.status;
  return scheduled === 'True' || status?.phase === 'Running' || status?.containerStatuses !== undefined;
}

/**
 * What is to be told of a pod without probes whose node does not answer. Its kubelet says that it is ready for as long as
 * its containers are; that it is not, while they are, is the word of the controller of nodes.
 */
export function lossOf({ metadata: { name }, spec, status }: Live<Pod>): PodTrouble | undefined {
  const { phase, conditions, containerStatuses = [] } = status ?? {};
  const isSilenced = findCondition(conditions, 'Ready')?.status === 'False';
  const runs = phase === 'Running' && containerStatuses.length > 0;
  if (!runs || !isSilenced || !containerStatuses.every(({ ready }) => ready)) return undefined;
  const node = spec?.nodeName ?? 'of the pod';
  return {
    reason: 'NodeLost',
    message: `Node ${node} does not answer, and pod ${name} runs there. The pull goes on when it is back. If the node is gone for good, delete it (kubectl delete node ${node}), and the pull goes on elsewhere.`,
  };
}

/** Why a pod was made to end that did nothing wrong; undefined when it was not. */
export function evictionOf({ metadata: { name }, status }: Live<Pod>): string | undefined {
  const target = findCondition(status?.conditions, 'DisruptionTarget');
  if (target?.status !== 'True') return undefined;
  const why = [target.reason, target.message].filter((each) => each !== undefined && each !== '');
  return `Pod ${name} was evicted (${condense(why.join(': '))}). Another goes on from what is on the volume.`;
}

/** Whether it is a pod of this task of a Model (model/jobs/jobs.ts) that has not ended. */
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
