import type { ModelServerStatus } from '../../api/modelserver.ts';
import { findCondition } from '../../kube/conditions.ts';
import { isPlaced, unschedulable } from '../pods.ts';
import { refusedBy } from '../refusal.ts';
import type { Outcome } from '../step.ts';
import { condense } from '../text.ts';
import { isSeen } from './provide.ts';
import { newestPods } from './replicas.ts';
import type { ServerView } from './view.ts';

/** Whether the pods have nodes. */
export function placePods(view: ServerView): Outcome<ModelServerStatus> {
  const { server, deployment } = view;
  const { replicas } = server.spec;
  if (!isSeen(view)) {
    return { at: 'waiting', reason: 'Starting', message: 'The Deployment is on its way.' };
  }
  if (replicas === 0) return { at: 'done', message: 'No pod is wanted.' };
  // Told while pods are missing: those that are there answer meanwhile.
  const refusal = findCondition(deployment?.status?.conditions, 'ReplicaFailure');
  if (refusal?.status === 'True') {
    const reason = refusedBy(refusal.message ?? '');
    const message = `A pod could not be made: ${condense(refusal.message ?? '')}`;
    // A quota has room again when something else is done, or gone.
    return { at: reason === 'QuotaExceeded' ? 'waiting' : 'blocked', reason, message };
  }
  const pods = newestPods(view);
  const placed = pods.filter(isPlaced).length;
  const trouble = pods.map(unschedulable).find((each) => each !== undefined);
  if (trouble) return { at: 'waiting', ...trouble };
  if (pods.length === 0 || placed < pods.length) {
    const message = `${placed} of ${replicas} pods have a node; the others are on their way.`;
    return { at: 'waiting', reason: 'Starting', message };
  }
  return { at: 'done', message: `${placed} of ${replicas} pods have a node.` };
}
