import type { KubeClient } from './client.ts';
import { isNotFound } from './errors.ts';
import type { Kind, KubeObject, Live } from './kind.ts';

/**
 * Adds or removes one finalizer and leaves those of others. Sends nothing when it is as wanted already. Rejects with
 * Conflict when `object` is not the newest: reconcile again. Removing the last one from a deleted object ends it.
 */
export async function setFinalizer<T extends KubeObject>(
  client: Pick<KubeClient, 'patch'>,
  kind: Kind<T>,
  object: Live<T>,
  finalizer: string,
  present: boolean,
  signal?: AbortSignal,
): Promise<boolean> {
  const { name, namespace, uid, resourceVersion, finalizers = [] } = object.metadata;
  if (finalizers.includes(finalizer) === present) return false;
  const wanted = present ? [...finalizers, finalizer] : finalizers.filter((each) => each !== finalizer);
  try {
    const metadata = { uid, resourceVersion, finalizers: wanted };
    await client.patch(kind, { namespace, name }, { metadata }, { signal });
  } catch (error) {
    if (!present && isNotFound(error)) return false;
    throw error;
  }
  return true;
}
