import { parseDuration } from '../../../api/duration.ts';
import type { RolloutStatus } from '../../../api/rollout.ts';
import type { Deployment } from '../../../kube/builtin.ts';
import { findCondition } from '../../../kube/conditions.ts';
import type { Live } from '../../../kube/kind.ts';
import { unschedulable } from '../../pods.ts';
import { reasonOfRefusal } from '../../refusal.ts';
import { condense } from '../../text.ts';
import { isForOnePod } from '../claims.ts';
import type { ServerView } from '../view.ts';
import { isObserved, oldPods, podsOf } from './progress.ts';
import type { Target } from './record.ts';

export type Strategy = RolloutStatus['strategy'];

type DeploymentStrategy = NonNullable<NonNullable<Deployment['spec']>['strategy']>;

/** Pods at a time, more or fewer than there are to be. */
export function strategySpec(strategy: Strategy): DeploymentStrategy {
  const rollingUpdate =
    strategy === 'Surge' ? { maxSurge: 1, maxUnavailable: 0 } : { maxSurge: 0, maxUnavailable: 1 };
  return { type: 'RollingUpdate', rollingUpdate };
}

export interface StrategyChoice {
  strategy: Strategy;
  /** Why it is Drain from now on. */
  turned?: string | undefined;
  /** Seconds until it may turn. */
  recheckAfter?: number | undefined;
}

/**
 * How the pods of `target` take the place of the others. What Auto has turned to stays until the next rollout: it is
 * read from the Deployment, which is where it was written.
 */
export function chooseStrategy(view: ServerView, target: Target): StrategyChoice {
  const { strategy, drainAfter } = view.server.spec.rollout;
  if (strategy !== 'Auto') return { strategy };
  // One pod at a time: a pod more would wait for ever.
  if (view.claims.some(({ claim }) => isForOnePod(claim))) return { strategy: 'Drain' };
  const { deployment } = view;
  if (!deployment) return { strategy: 'Surge' };
  if (deployment.spec?.strategy?.rollingUpdate?.maxSurge === 0) return { strategy: 'Drain' };
  const lack = isObserved(deployment) && oldPods(deployment) > 0 && lackOfRoom(view, deployment, target);
  if (!lack) return { strategy: 'Surge' };
  const left = parseDuration(drainAfter) - (view.now.getTime() - Date.parse(lack.since)) / 1000;
  return left > 0
    ? { strategy: 'Surge', recheckAfter: Math.ceil(left) }
    : { strategy: 'Drain', turned: lack.message };
}

interface Lack {
  message: string;
  since: string;
}

/** What the pod more lacks that a pod that stops would leave to it. */
function lackOfRoom(view: ServerView, deployment: Live<Deployment>, target: Target): Lack | undefined {
  for (const pod of podsOf(view, target)) {
    const trouble = unschedulable(pod);
    const since = pod.metadata.creationTimestamp;
    if (since !== undefined && trouble && isForRoom(trouble.message))
      return { message: trouble.message, since };
  }
  const refusal = findCondition(deployment.status?.conditions, 'ReplicaFailure');
  if (refusal?.status !== 'True' || reasonOfRefusal(refusal.message ?? '') !== 'QuotaExceeded')
    return undefined;
  return { message: condense(refusal.message ?? ''), since: refusal.lastTransitionTime ?? '' };
}

/** In the words of kube-scheduler (pkg/scheduler/framework/plugins). Taints and selectors keep a pod off whoever stops. */
function isForRoom(message: string): boolean {
  return /Insufficient |Too many pods|max volume count|free ports|ReadWriteOncePod|cannot allocate|anti-affinity/.test(
    message,
  );
}
