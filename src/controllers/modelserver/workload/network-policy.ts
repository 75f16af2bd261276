import type { ModelServer } from '../../../api/modelserver.ts';
import type { ServerNetwork } from '../../../api/server-network.ts';
import type { NetworkPolicy } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { runtimePort } from '../../../protocols/runtime.ts';
import { childMetadata, selectorLabels, type Named } from './identity.ts';

/**
 * In by the port of the runtime alone, and out nowhere: the runtime asks nobody anything, so what clients write stays where
 * it is. Where there is no list of clients, everybody may come in.
 */
export function serverNetworkPolicy(
  server: Live<ModelServer>,
  { clients, monitoring, egress }: ServerNetwork,
): Named<NetworkPolicy> {
  const ports = [{ protocol: 'TCP', port: runtimePort }];
  return {
    metadata: childMetadata(server),
    spec: {
      podSelector: { matchLabels: selectorLabels(server.metadata.name) },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [{ ports, ...(clients.length > 0 && { from: [...clients, ...monitoring] }) }],
      egress,
    },
  };
}
