import { gpuResource } from '../../api/gpu.ts';
import type { ModelServerStatus } from '../../api/modelserver.ts';
import { reasons } from '../../api/reasons.ts';
import { findCondition } from '../../kube/conditions.ts';
import { isPlaced, isReady } from '../pods.ts';
import { reasonOfRefusal } from '../refusal.ts';
import type { Outcome } from '../step.ts';
import { condense } from '../text.ts';
import { claimInWords, togetherFor } from './claims.ts';
import { noNodeFits } from './fit/fit.ts';
import { allocatable } from './fit/node.ts';
import { memoryRequest } from './fit/need.ts';
import { unschedulable, type Wants } from './pods/scheduler.ts';
import { summary } from './pods/summary.ts';
import { hasFailed } from './pods/troubles.ts';
import { isSeen } from './provide.ts';
import { newestPods } from './replicas.ts';
import { volumeTrouble } from './volume.ts';
import type { ServerView } from './view.ts';

/**
 * Whether each pod has a node, with room for the weights by what nodes say, that the volume can be on. The pods exist
 * whatever is foreseen: a cluster autoscaler acts on those, and what happens goes before what was foreseen.
 */
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
    const reason = reasonOfRefusal(refusal.message ?? '');
    const remedy = reason === 'QuotaExceeded' ? reasons[reason].action : mendRefusal;
    const message = summary(`A pod could not be made: ${condense(refusal.message ?? '')}`, 0, remedy);
    // A quota has room again when something else is done, or gone.
    return { at: reason === 'QuotaExceeded' ? 'waiting' : 'blocked', reason, message };
  }
  const pods = newestPods(view);
  const placed = pods.filter(isPlaced).length;
  // Once a pod has tried, it says itself what it lacks.
  const foreseen = pods.some((pod) => isReady(pod) || hasFailed(pod)) ? undefined : noNodeFits(view);
  if (foreseen !== undefined) return { at: 'waiting', reason: 'NoNodeFits', message: foreseen };
  const volume = volumeTrouble(view, pods);
  if (volume) return volume;
  const wants = wantsOf(view);
  const troubles = pods.flatMap((pod) => unschedulable(pod, wants) ?? []);
  const [trouble] = troubles;
  if (trouble) {
    const { reason } = trouble;
    const others = troubles.filter((each) => each.reason === reason).length - 1;
    return { at: 'waiting', reason, message: summary(trouble.message, others, reasons[reason].action) };
  }
  if (pods.length === 0 || placed < pods.length) {
    const message = `${placed} of ${replicas} pods have a node; the others are on their way.`;
    return { at: 'waiting', reason: 'Starting', message };
  }
  return { at: 'done', message: `${placed} of ${replicas} pods have a node${together(view)}.` };
}

const mendRefusal = 'Mend what is named there, or ask for another pod in spec.pod.';

/** That several pods are kept on one node, and what for. */
function together({ server, claims }: ServerView): string {
  const kept = server.spec.replicas < 2 ? undefined : togetherFor(server, claims);
  return kept ? `, the same for all: ${claimInWords(kept)} is on one node at a time` : '';
}

function wantsOf({ server, model, parts, claims, nodes = [] }: ServerView): Wants {
  const { gpu, pod } = server.spec;
  const resource = gpuResource(gpu);
  const kept = togetherFor(server, claims);
  const { requests, limits } = pod?.resources ?? {};
  const resources = {
    memory: memoryRequest(server, model, parts),
    ...limits,
    ...requests,
    ...(resource !== undefined && { [resource]: String(gpu.count) }),
  };
  const most = Object.keys(resources).flatMap((each) => {
    const [largest] = nodes.toSorted((one, other) => allocatable(other, each) - allocatable(one, each));
    const quantity = largest?.status?.allocatable?.[each];
    return nodes.length === 0 ? [] : [[each, quantity ?? '0']];
  });
  return {
    resources,
    most: Object.fromEntries(most) as Record<string, string>,
    claims: claims.map((claim) => claimInWords(claim, nodes)),
    together: kept && claimInWords(kept),
  };
}
