import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { Outcome } from '../step.ts';
import { planRollout } from './rollout/plan.ts';
import { isObserved } from './rollout/progress.ts';
import { readRecord } from './rollout/record.ts';
import { rolloutStatus, runtimeCondition } from './rollout/standing.ts';
import { chatUnsaid } from './chat.ts';
import type { ServerView } from './view.ts';
import { unwantedObjects, workloadObjects } from './workload/objects.ts';

/** A Deployment of what is to be served, behind a Service, and what goes with them. */
export function provideWorkload(view: ServerView): Outcome<ModelServerStatus> {
  const plan = planRollout(view);
  if (!plan) throw new Error('a workload comes after the Model has published something');
  const areOthers = view.deployment && readRecord(view.deployment)?.built !== plan.record.built;
  return {
    at: 'done',
    message: 'Deployment and Service are there.',
    apply: workloadObjects(view.server, plan.deployment, view.surroundings),
    remove: unwantedObjects(view.server, view, view.surroundings),
    status: rolloutStatus(view, plan),
    conditions: [runtimeCondition(view, plan), ...(areOthers ? [chatUnsaid] : [])],
    events: plan.events,
    recheckAfter: plan.recheckAfter,
  };
}

/**
 * Whether the Deployment in the cache has the pods that are wanted, and its controller has seen it. Before that its status
 * and its pods say nothing of what is wanted now.
 */
export function isSeen(view: ServerView): boolean {
  const { deployment, server } = view;
  if (!deployment || !isObserved(deployment)) return false;
  return (
    readRecord(deployment)?.built === planRollout(view)?.record.built &&
    deployment.spec?.replicas === server.spec.replicas
  );
}
