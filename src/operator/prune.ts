import type { Pod } from '../kube/builtin.ts';
import type { Live } from '../kube/kind.ts';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/**
 * What the caches keep of a pod: whose it is, and what its status says of how far it is. A pod is several kilobytes
 * otherwise, most of it a spec that is in its Job or Deployment too. Objects that are applied keep their whole spec:
 * it is compared with what is wanted.
 */
export function prunePod({ apiVersion, kind, metadata, status = {} }: Live<Pod>): Live<Pod> {
  const { annotations: _, ...ours } = metadata;
  const { phase, podIP, conditions, containerStatuses } = status;
  return {
    apiVersion,
    kind,
    metadata: ours,
    status: {
      ...(phase !== undefined && { phase }),
      ...(podIP !== undefined && { podIP }),
      ...(conditions && {
        conditions: conditions.map(({ type, status, reason, message, lastTransitionTime }) => ({
          type,
          status,
          reason,
          message,
          lastTransitionTime,
        })),
      }),
      ...(containerStatuses && { containerStatuses: containerStatuses.map(pruneContainer) }),
    },
  };
}

function pruneContainer({ name, ready, restartCount, state, lastState }: ContainerStatus): ContainerStatus {
  // The type wants the two in the middle.
  return { name, image: '', imageID: '', ready, restartCount, state, lastState };
}
