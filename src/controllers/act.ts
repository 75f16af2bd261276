import type { Condition } from '../api/kubernetes.ts';
import { reasons, type Reason } from '../api/reasons.ts';
import { applier, type Apply } from '../kube/apply.ts';
import type { KubeClient } from '../kube/client.ts';
import { findCondition, setCondition } from '../kube/conditions.ts';
import { ApiError, isNotFound } from '../kube/errors.ts';
import type { EventRecorder, EventText } from '../kube/events.ts';
import type { Kind, KubeObject, Live } from '../kube/kind.ts';
import { statusWriter, type WriteStatus } from '../kube/status.ts';
import { appliedAnnotation } from './labels.ts';
import { transientReasons } from '../protocols/puller.ts';
import { reasonOfRefusal } from './refusal.ts';
import { NameTakenError, provide } from './provide.ts';
import {
  soonest,
  type Child,
  type ChildRef,
  type ConditionedStatus,
  type Decision,
  type RefusedChild,
} from './step.ts';

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

/** A decision is taken again so often at most. A Model that is resolved makes a claim and then a Job for it. */
const mostRounds = 4;

/** When what the API server refused is asked for again: what was in the way may be gone, which nothing here would see. */
const secondsToRetry = 30;

/** What a Model and a server go through when nothing is in the way: nobody looks these up. */
const quiet: ReadonlySet<string> = new Set<Reason>([
  'Resolving',
  'WaitingForVolume',
  'Verifying',
  'ModelNotReady',
  'Starting',
  'Loading',
  'RollingOut',
]);

/** What went wrong, and is tried again or may pass. */
const passing: ReadonlySet<string> = new Set<Reason>([
  ...transientReasons,
  'DeadlineExceeded',
  'QuotaExceeded',
  'NodeLost',
  'Evicted',
  'Unschedulable',
  'NoNodeFits',
  'VolumeOutOfReach',
  'VolumeNotShared',
  'ImagePullFailed',
  'MountFailed',
  'PodCannotStart',
  'Crashed',
]);

/**
 * Takes a decision and carries it out: applies and removes. When that brings objects to light that the caches do not
 * have yet, such as those just made, the next decision is taken at once, from where the status stands and with what was
 * seen. Then it writes the status, once. A refusal of the API server that trying again will not mend (a quota, an
 * admission policy, a name that is taken) ends in the conditions instead of in a throw, one of what has to be done `first`
 * too. That of a child which may be refused is given to the decision, which is taken again from where it was.
 */
export async function act<T extends KubeObject & { status?: ConditionedStatus | undefined }>(
  { client, apply, writeStatus, events, now }: Actor,
  owner: { kind: Kind<T>; object: Live<T> },
  decideBy: (
    status: T['status'],
    seen: readonly ChildRef[],
    refused: readonly RefusedChild[],
  ) => Decision<NonNullable<T['status']>>,
  cached: (child: Child) => Live<KubeObject> | undefined,
  signal: AbortSignal,
  first: () => Promise<void> = async () => {},
): Promise<{ recheckAfter?: number | undefined }> {
  const seen: ChildRef[] = [];
  const refusals: RefusedChild[] = [];
  const removed = new Set<string>();
  const told: EventText[] = [];
  let from = owner.object.status;
  let decision = decideBy(from, seen, refusals);
  try {
    await first();
    for (let round = 1; ; round += 1) {
      const known = seen.length;
      const knownRefusals = refusals.length;
      for (const wanted of decision.apply) {
        const found = cached(wanted) ?? seen.find((each) => isThe(wanted, each))?.object;
        try {
          const live = await provide({ client, apply }, wanted, owner, found, signal);
          if (!found) seen.push({ kind: wanted.kind, object: live });
        } catch (error) {
          if (!wanted.mayBeRefused || !isRefused(error)) throw error;
          refusals.push({ child: wanted, message: error.message });
        }
      }
      if (refusals.length > knownRefusals) {
        decision = decideBy(from, seen, refusals);
        continue;
      }
      const toRemove = decision.remove.filter(({ object }) => !removed.has(object.metadata.uid));
      if (toRemove.length > 0 && !(await isCurrent(client, owner, signal))) return { recheckAfter: 1 };
      for (const { kind, object } of toRemove) {
        const { name, namespace, uid } = object.metadata;
        removed.add(uid);
        await client.delete(kind, { name, namespace }, { preconditions: { uid }, signal });
      }
      if (seen.length === known || round >= mostRounds) break;
      told.push(...decision.events);
      from = decision.status;
      decision = decideBy(from, seen, refusals);
    }
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal) throw error;
    decision = {
      ...decision,
      status: refused(owner.object, decision.status, refusal, now()),
      recheckAfter: secondsToRetry,
    };
  }
  told.push(...decision.events);
  const { status } = decision;
  const recheckAfter =
    refusals.length > 0 ? soonest(secondsToRetry, decision.recheckAfter) : decision.recheckAfter;
  if (status === owner.object.status) return { recheckAfter };
  const before = findCondition(owner.object.status?.conditions, 'Ready')?.reason;
  const written = await writeStatus(owner.kind, owner.object, status, signal);
  if (written === 'written') for (const event of told) events.record(owner.object, event);
  const ready = findCondition(status.conditions, 'Ready');
  const isTold = told.some(({ reason }) => reason === ready?.reason);
  if (written === 'written' && ready && ready.reason !== before && !quiet.has(ready.reason) && !isTold) {
    const stalled = findCondition(status.conditions, 'Stalled')?.status === 'True';
    events.record(owner.object, {
      type: stalled || passing.has(ready.reason) ? 'Warning' : 'Normal',
      reason: ready.reason,
      note: ready.message,
    });
  }
  return { recheckAfter };
}

/**
 * Whether the spec is what the cache has. Children come over watches of their own, which may be ahead of the owner's: what
 * an earlier leader made for a newer spec would look like the rest of an old one. Only the leader makes any, so that
 * nothing is made for a spec that this does not see.
 */
async function isCurrent<T extends KubeObject>(
  client: Pick<KubeClient, 'get'>,
  { kind, object: { metadata } }: { kind: Kind<T>; object: Live<T> },
  signal: AbortSignal,
): Promise<boolean> {
  const { name, namespace, uid, generation } = metadata;
  try {
    const current = (await client.get(kind, { name, namespace }, { signal })).metadata;
    return current.uid === uid && current.generation === generation;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function isThe({ kind, object }: Child, seen: ChildRef): boolean {
  return seen.kind.kind === kind.kind && seen.object.metadata.name === object.metadata.name;
}

function refusalOf(error: unknown): { reason: Reason; message: string } | undefined {
  if (error instanceof NameTakenError) {
    return { reason: 'NameTaken', message: `${error.message}. ${reasons.NameTaken.action}` };
  }
  if (isRefused(error)) {
    return {
      reason: reasonOfRefusal(error.message),
      message: `The API server refused a write: ${error.message}`,
    };
  }
  return undefined;
}

/** 403: a quota, an admission policy or a missing right; 422: an object that validation refuses. */
function isRefused(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 403 || error.status === 422);
}

/** The decided status with the refusal in Ready, Reconciling and Stalled, whose times go by what was written last. */
function refused<Status extends ConditionedStatus>(
  owner: Live<KubeObject & { status?: ConditionedStatus | undefined }>,
  status: Status,
  refusal: { reason: Reason; message: string },
  now: Date,
): Status {
  // A quota has room again when something else is done, or gone.
  const mayPass = refusal.reason === 'QuotaExceeded';
  const states: Record<string, Condition['status']> = {
    Ready: 'False',
    Reconciling: mayPass ? 'True' : 'False',
    Stalled: mayPass ? 'False' : 'True',
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
