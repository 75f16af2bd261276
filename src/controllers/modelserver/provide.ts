import type { ModelServerStatus } from '../../api/modelserver.ts';
import { carriesHashOf } from '../../kube/apply.ts';
import { deployments, services } from '../../kube/builtin.ts';
import { appliedAnnotation } from '../labels.ts';
import { child, type Outcome } from '../step.ts';
import type { Artifact } from './settings.ts';
import type { ServerView } from './view.ts';
import { serverDeployment } from './workload/deployment.ts';
import { serverService } from './workload/service.ts';

/** A Deployment of what the Model has published, behind a Service. */
export function provideWorkload(view: ServerView): Outcome<ModelServerStatus> {
  return {
    at: 'done',
    message: 'Deployment and Service are there.',
    apply: [
      // First, since its name is the address that is promised: nothing is loaded behind a name that is taken.
      child(services, serverService(view.server)),
      child(deployments, serverDeployment(view.server, publishedArtifact(view), view.image)),
    ],
  };
}

/**
 * Whether the Deployment in the cache is the one that is wanted, and its controller has seen it. Before that its status
 * and its pods say nothing of what is wanted now.
 */
export function isSeen(view: ServerView): boolean {
  const { deployment } = view;
  if (!deployment) return false;
  const { observedGeneration } = deployment.status ?? {};
  return (
    carriesHashOf(
      serverDeployment(view.server, publishedArtifact(view), view.image),
      deployment,
      appliedAnnotation,
    ) &&
    observedGeneration !== undefined &&
    observedGeneration >= (deployment.metadata.generation ?? 0)
  );
}

function publishedArtifact({ model }: ServerView): Artifact {
  const artifact = model?.status?.artifact;
  if (!artifact) throw new Error('a workload comes after the Model has published something');
  return artifact;
}
