import type { KubeClient } from './client.ts';
import { stableJson } from './covers.ts';
import { isNotFound } from './errors.ts';
import type { Kind, KubeObject, Live } from './kind.ts';

export type WithStatus = KubeObject & { status?: unknown };

export type StatusWrite = 'unchanged' | 'written' | 'gone';

/**
 * Writes the whole status of an object with one server-side apply, unless the cached object has that very status.
 * Members that an earlier write had and this one has not are removed. Rejects with Conflict when the cached object is
 * not the newest: a status decided from an old one is never written, nor one of an object that another has replaced
 * (for custom resources the API server does not look at the uid here). `gone`: there is no object of that name.
 */
export type WriteStatus = <T extends WithStatus>(
  kind: Kind<T>,
  object: Live<T>,
  status: NonNullable<T['status']>,
  signal?: AbortSignal,
) => Promise<StatusWrite>;

export function statusWriter(client: Pick<KubeClient, 'applyStatus'>): WriteStatus {
  return async (kind, object, status, signal) => {
    if (stableJson(object.status) === stableJson(status)) return 'unchanged';
    const { name, namespace, resourceVersion } = object.metadata;
    const desired = { metadata: { name, namespace, resourceVersion }, status };
    try {
      await client.applyStatus<WithStatus>(kind, desired, { signal });
    } catch (error) {
      if (isNotFound(error)) return 'gone';
      throw error;
    }
    return 'written';
  };
}
