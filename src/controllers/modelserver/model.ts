import type { Condition } from '../../api/kubernetes.ts';
import type { Model } from '../../api/model.ts';
import type { ModelServerStatus } from '../../api/modelserver.ts';
import { reasons, type ReasonText } from '../../api/reasons.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Live } from '../../kube/kind.ts';
import { listed } from '../../sources/names.ts';
import type { Outcome } from '../step.ts';
import { condense, shortRevision } from '../text.ts';
import { entryFile } from './artifact.ts';
import { fieldOf, misfitOf } from './parts.ts';
import type { ServerView } from './view.ts';

/** A server uses what its Models have published and nothing else. */
export function resolveModel({ server, model, parts }: ServerView): Outcome<ModelServerStatus> {
  const { namespace } = server.metadata;
  const { name } = server.spec.modelRef;
  const loaded = [server.status?.model, ...(server.status?.parts ?? [])];
  const used = new Set(loaded.map((one) => one?.name));
  const field = 'spec.modelRef.name';
  const trouble = troubleOf({ namespace, name, field, model, isUsed: used.has(name) });
  if (trouble) return trouble;
  const artifact = model?.status?.artifact;
  if (!model || !artifact) throw new Error('a Model without trouble has published something');
  if (!entryFile(artifact)) {
    const files = artifact.files.map(({ path }) => path).join(', ');
    const holds = condense(`Model "${name}" holds no GGUF model, only ${files}`);
    return { at: 'blocked', reason: 'NotServable', message: `${holds}. ${reasons.NotServable.action}` };
  }
  for (const part of parts) {
    const asked = { namespace, field: fieldOf(part), isUsed: used.has(part.name) };
    const problem = troubleOf({ ...part, ...asked }) ?? misfitOf(part, model);
    if (problem) return problem;
  }
  const { revision } = artifact;
  const beside = parts.length === 0 ? '' : `; beside it ${listed(parts.map((part) => `"${part.name}"`))}`;
  return {
    at: 'done',
    message: `Model "${name}" has published revision ${shortRevision(revision)}${beside}.`,
  };
}

interface Named {
  namespace: string;
  name: string;
  /** That names it. */
  field: string;
  model: Live<Model> | undefined;
  /** Whether the pods use it already. */
  isUsed: boolean;
}

/** Why nothing can be taken from a Model that a server names. */
function troubleOf({ namespace, name, field, model, isUsed }: Named): Outcome<ModelServerStatus> | undefined {
  if (!model) {
    const message = `There is no Model "${name}" in namespace "${namespace}". Create it, or correct ${field}.`;
    return { at: 'blocked', reason: 'ModelNotFound', message };
  }
  if (model.metadata.deletionTimestamp !== undefined && !isUsed) {
    const message = `Model "${name}" is being deleted, and no server may begin to use it. Name another in ${field}, or apply it again when it is gone.`;
    return { at: 'blocked', reason: 'ModelTerminating', message };
  }
  const { artifact, conditions } = model.status ?? {};
  if (artifact) return undefined;
  const message = condense(`Model "${name}": ${stateOf(conditions)}`);
  return { at: 'waiting', reason: 'ModelNotReady', message };
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
