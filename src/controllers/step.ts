import { isDeepStrictEqual } from 'node:util';
import type { Condition } from '../api/kubernetes.ts';
import { reasons, type Reason } from '../api/reasons.ts';
import { findCondition, setCondition } from '../kube/conditions.ts';
import type { EventText } from '../kube/events.ts';
import type { Desired, Kind, KubeObject, Live } from '../kube/kind.ts';

/**
 * A reconcile is a list of steps. A step is pure: it looks at a view that was gathered once and answers with where
 * things stand and what should exist. `decide` walks the list to the first step that is not done.
 */
export interface Step<View, Status> {
  /** The condition that tells people how this step stands; Ready alone when absent. */
  readonly condition?: string;
  /** `status` is the object's status with what the steps before have put into it. */
  readonly run: (view: View, status: Status) => Outcome<Status>;
  /** What the condition says while an earlier step is not done, where that can be told; otherwise it is Unknown. */
  readonly meanwhile?: (view: View) => Omit<FurtherCondition, 'type'>;
}

export interface Effects<Status> {
  apply?: Child[];
  remove?: ChildRef[];
  /** Merged into the status; a member that is undefined is removed. */
  status?: { [Member in keyof Status]?: Status[Member] | undefined };
  /**
   * What else there is to tell, under conditions of its own. Ready does not go by them; one not told again stays. One of
   * the step's own type takes the place of what its outcome would make it.
   */
  conditions?: FurtherCondition[];
  /** Told when the status is written, and not when nothing of it changes. */
  events?: EventText[];
}

export interface FurtherCondition {
  type: string;
  status: Condition['status'];
  reason: Reason;
  message: string;
}

export type Outcome<Status> = Effects<Status> &
  /** `readyAs`: the reason of Ready, where there is more to say than that. */
  (
    | { at: 'done'; message: string; readyAs?: Reason; recheckAfter?: number | undefined }
    /** Time or the cluster will bring the next step: Reconciling. */
    | { at: 'waiting'; reason: Reason; message: string; recheckAfter?: number | undefined }
    /** Only a person, or a change outside the cluster, can help: Stalled. */
    | { at: 'blocked'; reason: Reason; message: string; recheckAfter?: number | undefined }
    /** A person has stopped it, and can have it go on: neither Reconciling nor Stalled. */
    | { at: 'held'; reason: Reason; message: string; recheckAfter?: undefined }
  );

/** An object that should exist, with the type of its kind forgotten so that a list can hold several. */
export interface Child {
  readonly kind: Kind<KubeObject>;
  readonly object: Desired<KubeObject> & { metadata: { name: string; namespace: string } };
  /** A refusal of the API server does not end the reconcile: the steps are taken again and look at it. */
  readonly mayBeRefused?: boolean;
}

/** A child as the API server would not have it, and its words. */
export interface RefusedChild {
  readonly child: Child;
  readonly message: string;
}

export interface ChildRef {
  readonly kind: Kind<KubeObject>;
  readonly object: Live<KubeObject>;
}

export function child<T extends KubeObject>(
  kind: Kind<T>,
  object: Desired<T> & { metadata: { name: string; namespace: string } },
): Child {
  return { kind, object };
}

export function childRef<T extends KubeObject>(kind: Kind<T>, object: Live<T>): ChildRef {
  return { kind, object };
}

/** The cached objects of a kind, and those that the API server answered with and that the cache does not have yet. */
export function withSeen<T extends KubeObject>(
  kind: Kind<T>,
  cached: Live<T>[],
  seen: readonly ChildRef[],
): Live<T>[] {
  const known = new Set(cached.map(({ metadata }) => metadata.uid));
  const others = seen.filter((each) => each.kind.kind === kind.kind && !known.has(each.object.metadata.uid));
  return [...cached, ...others.map(({ object }) => object as Live<T>)];
}

/** What every status of ours has. */
export interface ConditionedStatus {
  observedGeneration?: number | undefined;
  conditions?: Condition[] | undefined;
}

export interface Decision<Status> {
  apply: Child[];
  remove: ChildRef[];
  /** The very object that was current when nothing of it changes. */
  status: Status;
  events: EventText[];
  /** The soonest that a step asked for. */
  recheckAfter?: number | undefined;
}

/**
 * Runs the steps in order up to the first that is not done and folds what they say into one decision. Ready,
 * Reconciling and Stalled follow kstatus (sigs.k8s.io/cli-utils): a reader needs to know nothing else of the kind.
 */
export function decide<View, Status extends ConditionedStatus>(
  steps: readonly Step<View, Status>[],
  view: View,
  current: { status: Status | undefined; generation: number; now: Date },
): Decision<Status> {
  const apply: Child[] = [];
  const remove: ChildRef[] = [];
  const events: EventText[] = [];
  let recheckAfter: number | undefined;
  const status: Record<string, unknown> = { ...current.status };
  let conditions = current.status?.conditions;
  const say = (type: string, state: Condition['status'], reason: Reason, message: string): void => {
    const next = { type, status: state, reason, message, observedGeneration: current.generation };
    if (!says(findCondition(conditions, type), next))
      conditions = setCondition(conditions, next, current.now);
  };

  let last: Outcome<Status> = { at: 'done', message: reasons.Ready.meaning };
  let stoppedAt: string | undefined;
  for (const { condition, run, meanwhile } of steps) {
    if (stoppedAt !== undefined) {
      const pending = { status: 'Unknown', reason: 'Pending', message: `Waits for ${stoppedAt}.` } as const;
      const told = meanwhile?.(view) ?? pending;
      if (condition) say(condition, told.status, told.reason, told.message);
      continue;
    }
    last = run(view, status as Status);
    apply.push(...(last.apply ?? []));
    remove.push(...(last.remove ?? []));
    events.push(...(last.events ?? []));
    recheckAfter = soonest(recheckAfter, last.recheckAfter);
    Object.assign(status, last.status);
    if (last.at !== 'done') stoppedAt = condition ?? 'an earlier step';
    if (condition && !last.conditions?.some(({ type }) => type === condition)) {
      if (last.at === 'done') say(condition, 'True', 'Succeeded', last.message);
      else say(condition, 'False', last.reason, last.message);
    }
    for (const { type, status, reason, message } of last.conditions ?? []) say(type, status, reason, message);
  }

  const { message } = last;
  const reason = last.at === 'done' ? (last.readyAs ?? 'Ready') : last.reason;
  say('Ready', last.at === 'done' ? 'True' : 'False', reason, message);
  say('Reconciling', last.at === 'waiting' ? 'True' : 'False', reason, message);
  say('Stalled', last.at === 'blocked' ? 'True' : 'False', reason, message);

  const told: Record<string, unknown> = { ...status, observedGeneration: current.generation, conditions };
  const defined = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined));
  const next = defined as unknown as Status;
  return {
    apply,
    remove,
    status: current.status && isDeepStrictEqual(next, current.status) ? current.status : next,
    events,
    recheckAfter,
  };
}

/** The shortest of these waits, in seconds; undefined where nobody has asked for one. */
export function soonest(...waits: readonly (number | undefined)[]): number | undefined {
  const shortest = Math.min(...waits.map((seconds) => seconds ?? Infinity));
  return Number.isFinite(shortest) ? shortest : undefined;
}

function says(condition: Condition | undefined, next: Omit<Condition, 'lastTransitionTime'>): boolean {
  return (
    condition?.status === next.status &&
    condition.reason === next.reason &&
    condition.message === next.message &&
    condition.observedGeneration === next.observedGeneration
  );
}
