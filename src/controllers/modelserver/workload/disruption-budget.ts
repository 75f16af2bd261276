import type { ModelServer } from '../../../api/modelserver.ts';
import type { PodDisruptionBudget } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { childMetadata, selectorLabels, type Named } from './identity.ts';

/**
 * One pod after another when nodes are drained, and those that are not ready at any time. None for a single replica: it could
 * only forbid that its node is drained, or say nothing.
 */
export function serverBudget(server: Live<ModelServer>): Named<PodDisruptionBudget> | undefined {
  if (server.spec.replicas < 2) return undefined;
  return {
    metadata: childMetadata(server),
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorLabels(server.metadata.name) },
    },
  };
}
