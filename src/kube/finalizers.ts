import type { KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';
import type { Kind, KubeObject, Live } from './kind.ts';

/**
 * Finalizers: names in an object's metadata that keep it, once it was deleted, until whoever put them there takes them
 * off. They are for what has to be done before an object goes and cannot be left to the garbage collector, which removes
 * what the object owns by itself: something outside the cluster, or an object that several others share.
 *
 * A finalizer is put on and seen to be there before what it guards is made; else a deletion in between is missed. It is
 * taken off when nothing is left to do, and no sooner. Whoever is uninstalled with finalizers still on objects leaves
 * those undeletable.
 *
 * A merge patch replaces the whole list. So each write carries the resourceVersion of the object that it was decided
 * from, and the finalizers of others as they were there: it is a Conflict when anything about the object has changed
 * since, and then the caller's to do again from the newer object.
 */

type Patcher = Pick<KubeClient, 'patch'>;

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata?.finalizers?.includes(finalizer) === true;
}

/**
 * Answers with the object that has the finalizer: the given one, and nothing was sent, when it has it already. `finalizer`
 * is qualified by a domain, e.g. `example.com/volume`. Rejects with Conflict when the object is not the newest, with
 * NotFound when it is gone, and with Invalid when it is being deleted: the API server takes no new finalizers then.
 */
export async function addFinalizer<T extends KubeObject>(
  client: Patcher,
  kind: Kind<T>,
  object: Live<T>,
  finalizer: string,
  signal?: AbortSignal,
): Promise<Live<T>> {
  if (hasFinalizer(object, finalizer)) return object;
  return write(client, kind, object, [...(object.metadata.finalizers ?? []), finalizer], signal);
}

/**
 * Answers with the object without the finalizer: the given one, and nothing was sent, when it has none. An object that is
 * being deleted goes with its last finalizer, and what is answered is then the last of it; undefined when it was gone
 * before. Rejects with Conflict when the object is not the newest.
 */
export async function removeFinalizer<T extends KubeObject>(
  client: Patcher,
  kind: Kind<T>,
  object: Live<T>,
  finalizer: string,
  signal?: AbortSignal,
): Promise<Live<T> | undefined> {
  if (!hasFinalizer(object, finalizer)) return object;
  const others = object.metadata.finalizers?.filter((each) => each !== finalizer) ?? [];
  try {
    return await write(client, kind, object, others, signal);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function write<T extends KubeObject>(
  client: Patcher,
  kind: Kind<T>,
  { metadata: { namespace, name, resourceVersion } }: Live<T>,
  finalizers: string[],
  signal: AbortSignal | undefined,
): Promise<Live<T>> {
  return client.patch(kind, { namespace, name }, { metadata: { resourceVersion, finalizers } }, { signal });
}
