import type { Change } from './informer.ts';
import { controllerOf, formatKey, keyOf } from './kind.ts';
import type { Kind, KubeObject, Live, Ref } from './kind.ts';
import { priorityAbout, priorityOf } from './priority.ts';
import type { Priority } from './priority.ts';

/**
 * Which objects of a controller have to be looked at again when an object in a cache changed, and how urgently: what
 * controller-runtime has EnqueueRequestForObject, EnqueueRequestForOwner and EnqueueRequestsFromMapFunc for. A trigger
 * runs between two changes of the cache, so it has to be quick: it looks into caches and nowhere else. It may name an
 * object twice, and one that does not exist.
 */
export type Trigger<T extends KubeObject> = (change: Change<T>) => readonly Woken[];

export interface Woken {
  key: Ref;
  priority: Priority;
}

/** The objects of a controller's kind that an object has to do with, as the object itself says. */
export type Related<T extends KubeObject> = (object: Live<T>) => readonly Ref[];

/**
 * Has `controller` look at what the trigger names, now for everything in the cache and from then on at every change. To
 * be called when the controller is about to start.
 */
export function trigger<T extends KubeObject>(
  cache: { onChange(handler: (change: Change<T>) => void): unknown },
  names: Trigger<T>,
  controller: { enqueue(key: Ref, priority: Priority): void },
): void {
  cache.onChange((change) => {
    for (const { key, priority } of names(change)) controller.enqueue(key, priority);
  });
}

/**
 * The object that changed, which is of the controller's own kind: `user` when somebody made it or changed its spec. What
 * was there at the start comes first among that when nobody has looked at it as it is now, of which
 * status.observedGeneration tells.
 */
export function itself<T extends KubeObject & { status?: Observed | undefined }>(): Trigger<T> {
  return (change) => {
    const { metadata, status } = change.object;
    const priority = priorityOf(change);
    const isBehind = status?.observedGeneration !== metadata.generation;
    return [{ key: keyOf(change.object), priority: priority === 'backlog' && isBehind ? 'event' : priority }];
  };
}

interface Observed {
  observedGeneration?: number | undefined;
}

/** What the object has to do with as it is now. What it had to do with before is not told. */
export function related<T extends KubeObject>(to: Related<T>): Trigger<T> {
  return (change) => told(change, to(change.object));
}

/** What the object refers to, and what it referred to before: that may be free of it now. */
export function referred<T extends KubeObject>(to: Related<T>): Trigger<T> {
  return (change) => told(change, [...to(change.object), ...(change.old ? to(change.old) : [])]);
}

/**
 * What refers to the object: those that an index of another cache finds. They are found as they are now, so the trigger
 * of their own cache has to tell of a reference that comes later.
 */
export function referrers<T extends KubeObject, R extends KubeObject>(
  cache: { by(index: string, value: string): Live<R>[] },
  index: string,
  { under = name, to = own }: ReferrerOptions<T, R> = {},
): Trigger<T> {
  return (change) =>
    told(
      change,
      cache.by(index, under(change.object)).flatMap((referrer) => to(referrer)),
    );
}

export interface ReferrerOptions<T extends KubeObject, R extends KubeObject> {
  /** The value of the index; default `namespace/name` of the object that changed. */
  under?: ((object: Live<T>) => string) | undefined;
  /** Whose it is that refers; default: it is of the controller's kind itself. */
  to?: Related<R> | undefined;
}

/** Nothing, when a modification left everything as it was that the trigger is about. */
export function unless<T extends KubeObject>(
  isSame: (now: Live<T>, before: Live<T>) => boolean,
  names: Trigger<T>,
): Trigger<T> {
  return (change) => (change.type === 'modified' && isSame(change.object, change.old) ? [] : names(change));
}

/** The owner that controls the object, when it is of this kind, of whatever version. */
export function ownerOf<T extends KubeObject>({ apiVersion, kind }: Kind<T>): Related<KubeObject> {
  return (object) => {
    const owner = controllerOf(object);
    const isOne = owner?.kind === kind && groupOf(owner.apiVersion) === groupOf(apiVersion);
    return isOne ? [beside(object, owner.name)] : [];
  };
}

/** The object that a label names, in the namespace of the labelled one. */
export function labelled(label: string): Related<KubeObject> {
  return (object) => {
    const named = object.metadata?.labels?.[label];
    return named === undefined ? [] : [beside(object, named)];
  };
}

function told<T extends KubeObject>(change: Change<T>, keys: readonly Ref[]): Woken[] {
  const priority = priorityAbout(change);
  return keys.map((key) => ({ key, priority }));
}

function own(object: KubeObject): Ref[] {
  return [keyOf(object)];
}

function name(object: KubeObject): string {
  return formatKey(keyOf(object));
}

function beside(object: KubeObject, named: string): Ref {
  return { namespace: keyOf(object).namespace, name: named };
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '';
}
