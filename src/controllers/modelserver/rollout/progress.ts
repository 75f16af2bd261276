import type { Deployment, Pod } from '../../../kube/builtin.ts';
import { findCondition } from '../../../kube/conditions.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { isReady } from '../../pods.ts';
import type { ServerView } from '../view.ts';
import type { RolloutRecord, Target } from './record.ts';

/** Whether its controller has seen the Deployment as it is: before that its status is of the one before. */
export function isObserved({ metadata, status }: Live<Deployment>): boolean {
  const { observedGeneration } = status ?? {};
  return observedGeneration !== undefined && observedGeneration >= (metadata.generation ?? 0);
}

/**
 * Whether the pods of the Deployment were all there and ready once: NewReplicaSetAvailable stays when some fail later,
 * when their number changes, and until the controller has seen another template.
 */
export function hasServed(deployment: Live<Deployment>): boolean {
  return findCondition(deployment.status?.conditions, 'Progressing')?.reason === 'NewReplicaSetAvailable';
}

/** Pods that exist of an older template. Those that are being stopped do not count. */
export function oldPods({ status }: Live<Deployment>): number {
  return Math.max(0, (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0));
}

/** Whether the pods of the newest template have taken the place of all others. */
export function isOver(deployment: Live<Deployment>): boolean {
  // The reason alone is that of the rollout before where a ReplicaSet is there again from earlier.
  return isObserved(deployment) && hasServed(deployment) && oldPods(deployment) === 0;
}

/** The pods that were made for this, but for those that are being stopped. */
export function podsOf({ pods }: Pick<ServerView, 'pods'>, { built }: Pick<Target, 'built'>): Live<Pod>[] {
  return pods.filter(
    ({ metadata }) =>
      metadata.labels?.[labels.template] === built && metadata.deletionTimestamp === undefined,
  );
}

/** How many pods answer, by the digest of what they have loaded, the newest first. */
export function answeringPods(
  view: Pick<ServerView, 'pods'>,
  record: RolloutRecord,
): { digest: string; pods: number }[] {
  const byDigest = new Map<string, number>();
  for (const target of [record, record.from]) {
    if (!target) continue;
    const { digest } = target.model;
    const ready = podsOf(view, target).filter(isReady).length;
    byDigest.set(digest, (byDigest.get(digest) ?? 0) + ready);
  }
  return [...byDigest].flatMap(([digest, pods]) => (pods > 0 ? { digest, pods } : []));
}
