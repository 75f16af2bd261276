import type { ModelServer } from '../../../api/modelserver.ts';
import type { Deployment } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import type { Artifact } from '../settings.ts';
import { childMetadata, podLabels, selectorLabels, type Named } from './identity.ts';
import { serverPod } from './pod.ts';

/** The replicas of a server. Their number is that of the spec, which only people and autoscalers write. */
export function serverDeployment(
  server: Live<ModelServer>,
  artifact: Artifact,
  image: string,
): Named<Deployment> {
  const { name } = server.metadata;
  return {
    metadata: { ...childMetadata(server), labels: podLabels(name) },
    spec: {
      replicas: server.spec.replicas,
      selector: { matchLabels: selectorLabels(name) },
      // Loading takes minutes; without a bound a rollout that cannot end would look like one that goes on.
      progressDeadlineSeconds: 3600,
      template: serverPod(server, artifact, image),
    },
  };
}
