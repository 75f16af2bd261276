import type { Change } from './informer.ts';
import type { KubeObject } from './kind.ts';

/**
 * How urgent a reconcile is, the most urgent first:
 *
 * - `user`: somebody waits for it. The object is new, or what is asked of it has changed.
 * - `event`: the world moved: a child, a status, an object that is referred to, a time that has come.
 * - `backlog`: what was there already when the controller started.
 */
export const priorities = ['user', 'event', 'backlog'] as const;
export type Priority = (typeof priorities)[number];

export function isHigher(one: Priority, other: Priority): boolean {
  return priorities.indexOf(one) < priorities.indexOf(other);
}

export function higher(one: Priority, other: Priority): Priority {
  return isHigher(one, other) ? one : other;
}

/**
 * What a change of an object means for the reconcile of that very object. `user` when it was made, told to go, or given
 * another spec, of which the generation tells. All else is an `event`: a status, most often our own write coming back,
 * labels and annotations, and the end of what had been told to go.
 */
export function priorityOf(change: Change<KubeObject>): Priority {
  if (change.type !== 'modified')
    return change.type === 'added' && !change.initial ? 'user' : priorityAbout(change);
  const [now, before] = [change.object.metadata, change.old.metadata];
  const isAsked = now.generation !== before.generation || now.deletionTimestamp !== before.deletionTimestamp;
  return isAsked ? 'user' : 'event';
}

/** What a change of an object means for the reconcile of others. */
export function priorityAbout(change: Change<KubeObject>): Priority {
  return change.type === 'added' && change.initial ? 'backlog' : 'event';
}
