import type { Deployment, Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { labels } from '../labels.ts';
import { planRollout } from '../modelserver/rollout/plan.ts';
import type { ServerView } from '../modelserver/view.ts';
import { aModel, anArtifact, aServer, aServerView, meta } from './objects.ts';
import { aServerPod, whole, type PodChoices } from './servers.ts';

/** Rollouts as they stand between one look of the operator and the next, for tests of what is decided by them. */

type DeploymentStatus = NonNullable<Deployment['status']>;

/** A Model that has published weights of this digest, on a claim of their own. */
export function aModelOf(digest: string) {
  return aModel({}, { artifact: anArtifact({ digest: `sha256:${digest}`, claimName: `claim-${digest}` }) });
}

/** The plan for a view is carried out, and the controller of Deployments has this to say of it. */
export function carriedOut(view: ServerView, status: DeploymentStatus = whole): ServerView {
  const plan = planRollout(view);
  if (!plan) throw new Error('a Model that has published something is served');
  const { metadata, ...rest } = plan.deployment;
  const live = meta(metadata.name, { annotations: metadata.annotations ?? {} });
  return { ...view, deployment: { ...rest, metadata: live, status: { observedGeneration: 1, ...status } } };
}

/** A server of revision a, all of whose pods answer. */
export function aServedView(spec: object = {}): ServerView {
  return carriedOut(aServerView({ server: aServer(spec), model: aModelOf('a') }));
}

/** One new pod beside an old one, on their way, and for longer than the deadline. */
export const onItsWay: DeploymentStatus = {
  replicas: 2,
  updatedReplicas: 1,
  readyReplicas: 1,
  conditions: [{ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated' }],
};
export const tooLate: DeploymentStatus = {
  ...onItsWay,
  conditions: [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }],
};

/** It rolls to revision b. */
export function aRollingView(spec: object = {}, status = onItsWay): ServerView {
  return carriedOut({ ...aServedView(spec), model: aModelOf('b') }, status);
}

/** A pod that was made from the template of this fingerprint. */
export function aPodFrom(built: string | undefined, name: string, choices: PodChoices = {}): Live<Pod> {
  const pod = aServerPod(name, choices);
  return { ...pod, metadata: { ...pod.metadata, labels: { [labels.template]: built ?? '' } } };
}
