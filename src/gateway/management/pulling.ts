import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { formatKey, type Key, type KubeObject, type Live } from '../../kube/kind.ts';
import { Refusal } from '../../http-server/refusal.ts';
import type { Following } from './following.ts';
import { loadStanding, pullStanding, type Progress, type Standing } from './progress.ts';

/** Milliseconds after which a line is said again when nothing has changed: a connection without a byte is ended by many. */
const repeatMs = 15_000;
/** A moment for what was just made to reach the cache, in looks at it. */
const patience = 4;

export interface Streams {
  models: Following<Model>;
  servers: Following<ModelServer>;
}

/**
 * Tells how far a Model is, until it is Ready. Hanging up, which aborts the signal, stops the telling and not the pull.
 * @throws Refusal when it cannot go on without somebody, or is gone
 */
export function pullProgress({ models }: Streams, key: Key, signal: AbortSignal): AsyncGenerator<Progress> {
  return told('Model', key, models.follow(key, signal, repeatMs), pullStanding);
}

/** The same of a ModelServer that is being loaded. */
export function loadProgress({ servers }: Streams, key: Key, signal: AbortSignal): AsyncGenerator<Progress> {
  return told('ModelServer', key, servers.follow(key, signal, repeatMs), loadStanding);
}

async function* told<T extends KubeObject>(
  kind: string,
  key: Key,
  versions: AsyncIterable<Live<T> | undefined>,
  standingOf: (object: Live<T>) => Standing,
): AsyncGenerator<Progress> {
  let seen = false;
  let missing = 0;
  for await (const object of versions) {
    if (object === undefined) {
      missing += 1;
      if (!seen && missing < patience) {
        yield { status: 'pulling manifest' };
        continue;
      }
      throw new Refusal(404, `${kind} ${formatKey(key)} was deleted.`, { code: 'model_deleted' });
    }
    seen = true;
    const standing = standingOf(object);
    if ('error' in standing) {
      throw new Refusal(409, `${kind} ${formatKey(key)}: ${standing.error}`, { code: 'model_failed' });
    }
    yield standing.line;
    if ('end' in standing) return;
  }
}
