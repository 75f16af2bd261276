import { hash } from 'node:crypto';
import type { KubeClient } from './client.ts';
import type { Desired, Kind, KubeObject, Live } from './kind.ts';
import { covers, stableJson } from './covers.ts';

/**
 * The object to send, carrying the hash of everything that is wanted of it in `annotation`. The hash is how a member
 * that is wanted no more is noticed: the live object still has it, and only server-side apply knows whose it was.
 */
export function withHash<T extends KubeObject>(desired: Desired<T>, annotation: string): Desired<T> {
  return {
    ...desired,
    metadata: {
      ...desired.metadata,
      annotations: { ...desired.metadata?.annotations, [annotation]: hashOf(desired) },
    },
  };
}

/** A reconcile asks for the hash of one object several times. */
const hashes = new WeakMap<object, string>();

function hashOf(desired: object): string {
  const known = hashes.get(desired) ?? hash('sha256', stableJson(desired)).slice(0, 32);
  hashes.set(desired, known);
  return known;
}

/** Whether `live` is what applying this very `desired` made, whatever others have changed in it since. */
export function carriesHashOf<T extends KubeObject>(
  desired: Desired<T>,
  live: Live<T>,
  annotation: string,
): boolean {
  return live.metadata.annotations?.[annotation] === hashOf(desired);
}

/**
 * Whether applying `desired` would change anything, judged by the cached live object. No when the live object carries the hash of the
 * same desired object (nothing was added or dropped since) and still has every value that is wanted (nobody changed
 * one). Members of the live object that are not wanted by us are others' or defaults and do not count; neither do
 * items that others added to a list of objects. A value that the server writes differently from what was sent costs
 * an apply that changes nothing; an outdated cache likewise.
 */
export function needsApply<T extends KubeObject>(
  desired: Desired<T>,
  live: Live<T> | undefined,
  annotation: string,
): boolean {
  return live === undefined || !covers(live, withHash(desired, annotation));
}

export interface ApplierOptions {
  client: Pick<KubeClient, 'apply'>;
  /** Where the hash is kept on each applied object, e.g. `example.com/applied`. */
  annotation: string;
}

/**
 * Applies `desired` unless `live`, the cached object, shows that nothing would change; says whether it was sent. What
 * was decided by an object is written to that very version of it alone: rejects with Conflict when it has changed since,
 * another has taken its place or it is gone. So a write that comes late, of a process that leads no more, undoes nothing.
 */
export type Apply = <T extends KubeObject>(
  kind: Kind<T>,
  desired: Desired<T>,
  live: Live<T> | undefined,
  signal?: AbortSignal,
) => Promise<boolean>;

export function applier({ client, annotation }: ApplierOptions): Apply {
  return async (kind, desired, live, signal) => {
    if (!needsApply(desired, live, annotation)) return false;
    await client.apply(kind, overVersion(live, withHash(desired, annotation)), { signal });
    return true;
  };
}

/** Adds the precondition that what is there is this version of this object; none when nothing was there. */
export function overVersion<T extends KubeObject>(
  live: Live<T> | undefined,
  desired: Desired<T>,
): Desired<T> {
  if (live === undefined) return desired;
  const { uid, resourceVersion } = live.metadata;
  return { ...desired, metadata: { ...desired.metadata, uid, resourceVersion } };
}
