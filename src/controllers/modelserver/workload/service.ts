import type { ModelServer } from '../../../api/modelserver.ts';
import type { Service } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { childMetadata, selectorLabels, type Named } from './identity.ts';

/** The port that clients use; the pods listen on runtimePort. */
const servicePort = 80;

/** The URL of the server inside the cluster. */
export function endpoint({ metadata }: Live<ModelServer>): string {
  return `http://${metadata.name}.${metadata.namespace}.svc`;
}

/** The address of a server: every pod of it that is ready. */
export function serverService(server: Live<ModelServer>): Named<Service> {
  return {
    metadata: childMetadata(server),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(server.metadata.name),
      ports: [{ name: 'http', protocol: 'TCP', port: servicePort, targetPort: 'http' }],
    },
  };
}
