import { gpuResource } from '../../api/gpu.ts';
import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { labels } from '../labels.ts';
import { hasEnded, isReady } from '../pods.ts';
import type { Outcome } from '../step.ts';
import { claimInWords, isForOnePod, isOnOneNode, type WeightsClaim } from './claims.ts';
import { allocatable } from './fit/node.ts';
import { waitsForVolumes } from './pods/troubles.ts';
import type { ServerView } from './view.ts';

/**
 * What keeps the volumes of the weights from being where all pods are. Said before pods hang: a second node waits minutes
 * for a volume that is on another, and says so in events of the pod alone.
 *
 * Where a volume can be, by its zone or node, is said by PersistentVolumes, which the operator does not read; the scheduler
 * does, and tells it of a pod that it keeps off (docs/adr/0027).
 */
export function volumeTrouble(
  view: ServerView,
  pods: readonly Live<Pod>[],
): Outcome<ModelServerStatus> | undefined {
  if (pods.filter(isReady).length >= view.server.spec.replicas) return undefined;
  for (const claim of view.claims) {
    const trouble = isOnOneNode(claim.claim) ? troubleOf(view, claim, pods) : undefined;
    if (trouble) return trouble;
  }
  return undefined;
}

function troubleOf(
  { server, nodes = [] }: ServerView,
  weights: WeightsClaim,
  pods: readonly Live<Pod>[],
): Outcome<ModelServerStatus> | undefined {
  const { replicas, gpu } = server.spec;
  const [claim, remedy] = [claimInWords(weights), remedyFor(weights)];
  const others = weights.pods.filter((pod) => !hasEnded(pod) && isOfAnother(pod, server.metadata.name));
  if (isForOnePod(weights.claim)) {
    const only = `${capital(claim)} may be used by one pod at a time (ReadWriteOncePod)`;
    if (replicas > 1) {
      const message = `${only}, and ${replicas} replicas are wanted. ${remedy}`;
      return { at: 'blocked', reason: 'VolumeNotShared', message };
    }
    const [other] = others;
    if (!other) return undefined;
    const message = `${only}, and pod ${other.metadata.name} of another server uses it. ${remedy}`;
    return { at: 'waiting', reason: 'VolumeNotShared', message };
  }
  const only = `${capital(claim)} is ReadWriteOnce: its volume can be on one node at a time`;
  const used = nodesOf([...pods, ...weights.pods.filter((pod) => !hasEnded(pod))]);
  if (used.length > 1 && pods.some(waitsForVolumes)) {
    const whose = others.length > 0 ? 'pods of this server and of others' : 'pods';
    const message = `${only}, and ${whose} that use it are on ${used.join(', ')}. ${remedy}`;
    return { at: 'waiting', reason: 'VolumeNotShared', message };
  }
  const resource = gpuResource(gpu);
  const most = Math.max(...nodes.map((node) => (resource === undefined ? 0 : allocatable(node, resource))));
  const wanted = replicas * gpu.count;
  if (resource === undefined || replicas < 2 || most < gpu.count || wanted <= most) return undefined;
  const message = `${only}, and no node has ${wanted} ${resource} for all ${replicas} replicas; the most that one has is ${most}. ${remedy}`;
  return { at: 'waiting', reason: 'VolumeNotShared', message };
}

function remedyFor({ of }: WeightsClaim): string {
  const [model = 'the Model'] = of;
  return `Have ${model} on a claim that many nodes may mount (spec.storage.accessModes: [ReadWriteMany], of a StorageClass that offers it), or keep all pods that use it on one node (spec.pod.nodeSelector).`;
}

function isOfAnother({ metadata }: Live<Pod>, server: string): boolean {
  return metadata.labels?.[labels.server] !== server;
}

function nodesOf(pods: readonly Live<Pod>[]): string[] {
  return [...new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []))].toSorted();
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
