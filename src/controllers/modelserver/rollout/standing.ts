import type { ModelServerStatus } from '../../../api/modelserver.ts';
import type { FurtherCondition, Outcome } from '../../step.ts';
import { shortRevision } from '../../text.ts';
import { awaitReplicas } from '../available.ts';
import type { ServerView } from '../view.ts';
import { answeringPods, podsOf } from './progress.ts';
import { planRollout, type RolloutPlan } from './plan.ts';

/** Whether the pods are those that are asked for. While they are on their way, the steps around it say how far. */
export function finishRollout(view: ServerView): Outcome<ModelServerStatus> {
  const condition = rolloutStanding(view);
  const conditions = [{ type: 'RolledOut', ...condition }];
  const { reason, message } = condition;
  // Only when all that served before answers again is a person all that there is to wait for.
  const isBack = reason === 'RolledBack' && awaitReplicas(view).at === 'done';
  if (isBack) return { at: 'blocked', reason, message, conditions };
  return { at: 'done', message, conditions };
}

/** How the rollout stands, for the condition RolledOut. */
export function rolloutStanding(view: ServerView): Omit<FurtherCondition, 'type'> {
  const plan = planRollout(view);
  if (!plan)
    return { status: 'Unknown', reason: 'Pending', message: 'The Model has published nothing to serve.' };
  const { record, isRolledBack, isOver, strategy } = plan;
  const { revision, name } = record.model;
  const what = `revision ${shortRevision(revision)} of Model "${name}"`;
  if (isRolledBack && record.failed) {
    const message = `Rolled back to ${what}. ${record.failed.message} ${toTryAgain}`;
    return { status: 'False', reason: 'RolledBack', message };
  }
  if (isOver) return { status: 'True', reason: 'Succeeded', message: `All pods are new, with ${what}.` };
  const { replicas } = view.server.spec;
  const so = `${podsOf(view, record).length} of ${replicas} pods are new, with ${what}.`;
  if (!record.from) return { status: 'False', reason: 'RollingOut', message: so };
  if (strategy === 'Surge') {
    return {
      status: 'False',
      reason: 'Surging',
      message: `${so} A new one is ready before an old one stops.`,
    };
  }
  const outage = replicas === 1 ? ' With one replica nothing answers until the new pod is ready.' : '';
  const message = `${so} An old one stops before a new one starts.${outage}`;
  return { status: 'False', reason: 'Draining', message };
}

const toTryAgain =
  'It is tried again when the spec or the Model changes, or the annotation longshore.dev/roll-at has a new value.';

/** What the status says of the pods that are wanted. */
export function rolloutStatus(
  view: ServerView,
  { record, strategy }: RolloutPlan,
): Pick<ModelServerStatus, 'model' | 'runtime'> & {
  parts: ModelServerStatus['parts'];
  rollout: ModelServerStatus['rollout'];
} {
  const { from, image, vendor, model, parts } = record;
  return {
    model,
    parts,
    rollout: from && {
      strategy,
      from: from.model,
      ...(from.parts && { fromParts: from.parts }),
      answering: answeringPods(view, record),
    },
    runtime: {
      image,
      ...(vendor !== undefined && { vendor }),
      ...(image !== view.image && { available: view.image }),
    },
  };
}

/** Whether the pods run what the operator would have them run. Ready does not go by it. */
export function runtimeCondition(view: ServerView, { record, isOutdated }: RolloutPlan): FurtherCondition {
  const type = 'RuntimeCurrent';
  const { image, failed } = record;
  if (!isOutdated) {
    return { type, status: 'True', reason: 'Succeeded', message: `The pods run ${image}.` };
  }
  if (failed?.image === view.image && image !== view.image) {
    const message = `The pods run ${image}; ${view.image} was rolled back. ${failed.message}`;
    return { type, status: 'False', reason: 'RolledBack', message };
  }
  const newer = image === view.image ? 'would make other pods with it' : `has ${view.image}`;
  const message = `The pods run ${image}; the operator ${newer}. They turn to that when the annotation longshore.dev/roll-at has a new value.`;
  return { type, status: 'False', reason: 'RuntimeOutdated', message };
}
