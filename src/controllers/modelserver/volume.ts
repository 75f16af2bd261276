import { gpuResource } from '../../api/gpu.ts';
import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { Outcome } from '../step.ts';
import { allocatable } from './fit/node.ts';
import { isReady } from '../pods.ts';
import { waitsForVolumes } from './pods/troubles.ts';
import type { ServerView } from './view.ts';

/**
 * What keeps the volume of the weights from being where all pods are. Said before pods hang: a second node waits minutes
 * for a volume that is on another, and says so in events of the pod alone.
 *
 * Where a volume can be, by its zone or node, is said by PersistentVolumes, which the operator does not read; the scheduler
 * does, and tells it of a pod that it keeps off (docs/adr/0027).
 */
export function volumeTrouble(
  { server, claim, nodes = [] }: ServerView,
  pods: readonly Live<Pod>[],
): Outcome<ModelServerStatus> | undefined {
  const { replicas, gpu } = server.spec;
  const modes = claim?.status?.accessModes ?? claim?.spec?.accessModes ?? [];
  if (!claim || replicas < 2 || modes.length === 0 || pods.filter(isReady).length >= replicas)
    return undefined;
  if (modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')) return undefined;
  const { name } = claim.metadata;
  const remedy =
    'Have the Model on a claim that many nodes may mount (spec.storage.accessModes: [ReadWriteMany], of a StorageClass that offers it), or keep the replicas on one node.';
  if (!modes.includes('ReadWriteOnce')) {
    const message = `Claim ${name} may be used by one pod at a time (ReadWriteOncePod), and ${replicas} replicas are wanted. ${remedy}`;
    return { at: 'blocked', reason: 'VolumeNotShared', message };
  }
  const only = `Claim ${name} is ReadWriteOnce: its volume can be on one node at a time`;
  const used = [...new Set(pods.flatMap(({ spec }) => spec?.nodeName ?? []))].toSorted();
  if (used.length > 1 && pods.some(waitsForVolumes)) {
    return {
      at: 'waiting',
      reason: 'VolumeNotShared',
      message: `${only}, and its pods are on ${used.join(', ')}. ${remedy}`,
    };
  }
  const resource = gpuResource(gpu);
  const most = Math.max(...nodes.map((node) => (resource === undefined ? 0 : allocatable(node, resource))));
  const wanted = replicas * gpu.count;
  if (resource === undefined || most < gpu.count || wanted <= most) return undefined;
  return {
    at: 'waiting',
    reason: 'VolumeNotShared',
    message: `${only}, and no node has ${wanted} ${resource} for all ${replicas} replicas; the most that one has is ${most}. ${remedy}`,
  };
}
