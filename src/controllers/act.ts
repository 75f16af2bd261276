import type { Condition } from '../api/kubernetes.ts';
import { reasons, type Reason } from '../api/reasons.ts';
import { applier, type Apply } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { findCondition, setCondition } from '../kube/conditions.ts';
import { ApiError, isNotFound } from '../kube/errors.ts';
import type { EventRecorder } from '../kube/events.ts';
import { persistentVolumeClaims } from '../kube/builtin.ts';
import type { Kind, KubeObject, Live } from '../kube/kind.ts';
import { controllerOf } from '../kube/kind.ts';
import { statusWriter, type WriteStatus } from '../kube/status.ts';
import { models } from './kinds.ts';
import { appliedAnnotation } from './labels.ts';
import { isRetained } from './retention.ts';
import type { Child, ConditionedStatus, Decision } from './step.ts';

export interface Actor {
  readonly client: KubeClient;
  readonly apply: Apply;
  readonly writeStatus: WriteStatus;
  readonly events: Pick<EventRecorder, 'record'>;
  readonly now: () => Date;
}

export function actor(
  client: KubeClient,
  events: Pick<EventRecorder, 'record'>,
  now = () => new Date(),
): Actor {
  return {
    client,
    events,
    now,
    apply: applier({ client, annotation: appliedAnnotation }),
    writeStatus: statusWriter(client),
  };
}

/**
 * Carries a decision out: applies, removes, and writes the status once. A refusal of the API server that trying again
 * will not mend (a quota, an admission policy, a name that is taken) ends in the conditions instead of in a throw.
 */
export async function act<T extends KubeObject & { status?: ConditionedStatus | undefined }>(
  { client, apply, writeStatus, events, now }: Actor,
  owner: { kind: Kind<T>; object: Live<T> },
  decision: Decision<NonNullable<T['status']>>,
  cached: (child: Child) => Live<KubeObject> | undefined,
  signal: AbortSignal,
): Promise<{ recheckAfter?: number | undefined }> {
  let { status, recheckAfter } = decision;
  try {
    for (const wanted of decision.apply) {
      const live = await ownedOrAbsent(client, wanted, owner, cached(wanted), signal);
      await apply(wanted.kind, wanted.object, live, signal);
    }
    for (const { kind, object } of decision.remove) {
      const { name, namespace, uid } = object.metadata;
      await client.delete(kind, { name, namespace }, { preconditions: { uid }, signal });
    }
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal) throw error;
    status = refused(owner.object, status, refusal, now());
    recheckAfter = 30;
  }
  const before = findCondition(owner.object.status?.conditions, 'Ready')?.reason;
  const written = await writeStatus(owner.kind, owner.object, status, signal);
  const ready = findCondition(status.conditions, 'Ready');
  if (written === 'written' && ready && ready.reason !== before) {
    const stalled = findCondition(status.conditions, 'Stalled')?.status === 'True';
    events.record(owner.object, {
      type: stalled ? 'Warning' : 'Normal',
      reason: ready.reason,
      note: ready.message,
    });
  }
  return { recheckAfter };
}

/** An object of the wanted name that somebody else made. */
class NameTakenError extends Error {}

/**
 * The live object when it is the owner's own, nothing when there is none. Names are chosen by whoever makes a Model or
 * ModelServer: without this look, naming one after a Service of another team would take that Service over.
 */
async function ownedOrAbsent(
  client: KubeClient,
  wanted: Child,
  owner: { kind: Pick<Kind<KubeObject>, 'kind'>; object: Live<KubeObject> },
  cached: Live<KubeObject> | undefined,
  signal: AbortSignal,
): Promise<Live<KubeObject> | undefined> {
  const { name, namespace } = wanted.object.metadata;
  const absent = (error: unknown): undefined => {
    if (isNotFound(error)) return undefined;
    throw error;
  };
  const live = cached ?? (await client.get(wanted.kind, { name, namespace }, { signal }).catch(absent));
  if (!live || isKeptFor(owner, wanted, live)) return live;
  const holder = controllerOf(live);
  if (holder?.uid !== owner.object.metadata.uid) {
    if (holder?.kind === owner.kind.kind && holder.name === owner.object.metadata.name) {
      // Deleted and applied again: the garbage collector is on its way to what the first one had.
      throw new Error(
        `${wanted.kind.kind} "${name}" of the deleted ${holder.kind} of this name is still there`,
      );
    }
    throw new NameTakenError(
      `a ${wanted.kind.kind} named "${name}" is there already and belongs to something else`,
    );
  }
  return live;
}

/** A retained claim has no controller to tell whose it is. */
function isKeptFor(
  owner: { kind: Pick<Kind<KubeObject>, 'kind'>; object: Live<KubeObject> },
  wanted: Child,
  live: Live<KubeObject>,
): boolean {
  const isClaim = wanted.kind.kind === persistentVolumeClaims.kind;
  return isClaim && owner.kind.kind === models.kind && isRetained(live, owner.object.metadata.name);
}

function refusalOf(error: unknown): { reason: Reason; message: string } | undefined {
  if (error instanceof NameTakenError) {
    return { reason: 'NameTaken', message: `${error.message}. ${reasons.NameTaken.action}` };
  }
  // 403: a quota, an admission policy or a missing right; 422: an object that validation refuses.
  if (error instanceof ApiError && (error.status === 403 || error.status === 422)) {
    return { reason: 'WriteRefused', message: `The API server refused a write: ${error.message}` };
  }
  return undefined;
}

/** The decided status with the refusal in Ready, Reconciling and Stalled, whose times go by what was written last. */
function refused<Status extends ConditionedStatus>(
  owner: Live<KubeObject & { status?: ConditionedStatus | undefined }>,
  status: Status,
  refusal: { reason: Reason; message: string },
  now: Date,
): Status {
  const states: Record<string, Condition['status']> = {
    Ready: 'False',
    Reconciling: 'False',
    Stalled: 'True',
  };
  const before = owner.status?.conditions;
  const observedGeneration = owner.metadata.generation;
  const conditions = status.conditions?.map((condition) => {
    const state = states[condition.type];
    if (state === undefined) return condition;
    const next = { type: condition.type, status: state, ...refusal, observedGeneration };
    return setCondition(before, next, now).find(({ type }) => type === condition.type) as Condition;
  });
  return { ...status, conditions };
}
