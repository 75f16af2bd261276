import type { ModelServer } from '../../../api/modelserver.ts';
import { controlledBy, type Desired, type Live } from '../../../kube/kind.ts';
import { modelServers } from '../../kinds.ts';
import { labels, managedBy } from '../../labels.ts';

/** An object of a server as it should be. */
export type Named<T extends object> = Desired<T> & { metadata: { name: string; namespace: string } };

/** What the pods of a server, and nobody else's, have. */
export function selectorLabels(name: string): Record<string, string> {
  return { [labels.server]: name };
}

/** On the pods of a server, and on what makes them. */
export function podLabels(name: string): Record<string, string> {
  return { ...managedBy, 'app.kubernetes.io/name': 'longshore-runtime', ...selectorLabels(name) };
}

/** The metadata of an object that a server has one of: it carries the server's name and goes with it. */
export function childMetadata(server: Live<ModelServer>) {
  const { name, namespace } = server.metadata;
  return {
    name,
    namespace,
    labels: { ...managedBy, ...selectorLabels(name) },
    ownerReferences: [controlledBy(modelServers, server)],
  };
}
