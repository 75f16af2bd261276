import type { KubeClient, ListOptions } from './client.ts';
import { ApiError } from './errors.ts';
import type { Snapshot } from './informer-cache.ts';
import type { Kind, KubeObject } from './kind.ts';

/** As many as client-go asks for at once. */
const pageSize = 500;

/**
 * Lists page by page into the snapshot and answers with its version. A server that has forgotten the state that the
 * pages are of (410) is asked for everything at once instead.
 */
export async function listPages<T extends KubeObject>(
  client: Pick<KubeClient, 'list'>,
  kind: Kind<T>,
  scope: Omit<ListOptions, 'limit' | 'continue'>,
  snapshot: Snapshot<T>,
): Promise<string> {
  try {
    return await readPages(client, kind, { ...scope, limit: pageSize }, snapshot);
  } catch (error) {
    const expired = error instanceof ApiError && error.status === 410;
    if (!expired) throw error;
    snapshot.clear();
    return readPages(client, kind, scope, snapshot);
  }
}

async function readPages<T extends KubeObject>(
  client: Pick<KubeClient, 'list'>,
  kind: Kind<T>,
  options: ListOptions,
  snapshot: Snapshot<T>,
): Promise<string> {
  let page = await client.list(kind, options);
  const { resourceVersion } = page;
  for (;;) {
    for (const item of page.items) snapshot.add(item);
    if (page.continue === undefined) return resourceVersion;
    page = await client.list(kind, { ...options, continue: page.continue });
  }
}

/**
 * Whether the server does not take such a request for a stream of what is there: it is too old for them, has them
 * switched off, or is one of those that aggregate other servers.
 */
export function isStreamRefused(error: unknown): boolean {
  return error instanceof ApiError && [400, 405, 406, 422, 501].includes(error.status);
}

/** A server that does not know of streams may ignore that it was asked for one. */
export const streamUnknown = new ApiError({
  status: 501,
  reason: 'NotImplemented',
  message: 'the watch goes on without having said that everything had come',
});
