import type { ModelServer } from '../../../api/modelserver.ts';
import type { Deployment } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { childMetadata, podLabels, selectorLabels, type Named } from './identity.ts';

type Spec = NonNullable<Deployment['spec']>;

/** The pods of a server, and how they take the place of others (../rollout/plan.ts). */
export interface Pods extends Required<Pick<Spec, 'template' | 'strategy' | 'progressDeadlineSeconds'>> {
  /** Of the Deployment. */
  annotations: Record<string, string>;
}

/** The replicas of a server. Their number is that of the spec, which only people and autoscalers write. */
export function serverDeployment(
  server: Live<ModelServer>,
  { annotations, ...pods }: Pods,
): Named<Deployment> {
  const { name } = server.metadata;
  return {
    metadata: { ...childMetadata(server), labels: podLabels(name), annotations },
    spec: {
      replicas: server.spec.replicas,
      selector: { matchLabels: selectorLabels(name) },
      ...pods,
    },
  };
}
