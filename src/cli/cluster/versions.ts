import { setTimeout as pause } from 'node:timers/promises';
import type { KubeClient } from '../../kube/client.ts';
import { ApiError, isNotFound } from '../../kube/errors.ts';
import type { Kind, KubeObject, Live, Ref } from '../../kube/kind.ts';

/** An object as it is now, and each time that it changes; undefined when it is gone. Ends with its signal. */
export async function* versionsOf<T extends KubeObject>(
  client: Pick<KubeClient, 'get' | 'watch'>,
  kind: Kind<T>,
  ref: Ref & { name: string },
  signal: AbortSignal,
): AsyncGenerator<Live<T> | undefined> {
  let wasSeen = false;
  for (;;) {
    let resourceVersion: string;
    try {
      const object = await client.get(kind, ref, { signal });
      wasSeen = true;
      yield object;
      ({ resourceVersion } = object.metadata);
    } catch (error) {
      if (isNotFound(error)) {
        yield undefined;
        return;
      }
      if (!wasSeen || !isAway(error)) throw error;
      await pause(1000, undefined, { signal });
      continue;
    }
    try {
      const watch = client.watch(kind, {
        namespace: ref.namespace,
        fieldSelector: `metadata.name=${ref.name}`,
        resourceVersion,
        timeoutSeconds: 300,
        silenceMs: 330_000,
        signal,
      });
      for await (const event of watch) {
        if (event.type === 'BOOKMARK') continue;
        yield event.type === 'DELETED' ? undefined : event.object;
        if (event.type === 'DELETED') return;
      }
    } catch (error) {
      // What is too old is read anew, and a server that is away for a moment is asked again.
      if (signal.aborted || !(error instanceof ApiError)) throw error;
      await pause(1000, undefined, { signal });
    }
  }
}

/** Whether the API server did not answer, or could not. */
function isAway(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}
