import type { Condition } from '../../api/kubernetes.ts';
import type { ModelServerStatus } from '../../api/modelserver.ts';
import { reasons, type ReasonText } from '../../api/reasons.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Outcome } from '../step.ts';
import { condense, shortRevision } from '../text.ts';
import { entryFile } from './settings.ts';
import type { ServerView } from './view.ts';

/** A server uses what its Model has published and nothing else. */
export function resolveModel({ server, model }: ServerView): Outcome<ModelServerStatus> {
  const { name } = server.spec.modelRef;
  if (!model) {
    const message = `There is no Model "${name}" in namespace "${server.metadata.namespace}". Create it, or correct spec.modelRef.name.`;
    return { at: 'blocked', reason: 'ModelNotFound', message };
  }
  if (model.metadata.deletionTimestamp !== undefined && server.status?.model?.name !== name) {
    const message = `Model "${name}" is being deleted, and no server may begin to use it. Name another in spec.modelRef.name, or apply it again when it is gone.`;
    return { at: 'blocked', reason: 'ModelTerminating', message };
  }
  const { artifact, conditions } = model.status ?? {};
  if (!artifact) {
    return {
      at: 'waiting',
      reason: 'ModelNotReady',
      message: condense(`Model "${name}": ${stateOf(conditions)}`),
    };
  }
  if (!entryFile(artifact)) {
    const files = artifact.files.map(({ path }) => path).join(', ');
    const holds = condense(`Model "${name}" holds no GGUF model, only ${files}`);
    return { at: 'blocked', reason: 'NotServable', message: `${holds}. ${reasons.NotServable.action}` };
  }
  const { revision } = artifact;
  return {
    at: 'done',
    message: `Model "${name}" has published revision ${shortRevision(revision)}.`,
  };
}

/**
 * Where a Model stands that has published nothing. Its own words only where they are for a person to act on: those of a
 * pull change every two seconds, and each change would be a write to every server that waits.
 */
function stateOf(conditions: Condition[] | undefined): string {
  const ready = findCondition(conditions, 'Ready');
  if (!ready) return 'it has not been looked at yet';
  const { meaning }: Partial<ReasonText> = (reasons as Record<string, ReasonText>)[ready.reason] ?? {};
  const isStalled = findCondition(conditions, 'Stalled')?.status === 'True';
  return `${ready.reason}: ${isStalled ? ready.message : (meaning ?? ready.message)}`;
}
