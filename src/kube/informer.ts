import { backoffMs, sleep } from './backoff.ts';
import type { BackoffRange, Sleep } from './backoff.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { ApiError } from './errors.ts';
import { formatKey, keyOf } from './kind.ts';
import type { Kind, KubeObject, Live } from './kind.ts';
import type { Log } from './log.ts';
import { Store } from './store.ts';
import type { Indexer } from './store.ts';

export type Change<T extends KubeObject> =
  | { type: 'added'; object: Live<T>; old?: undefined }
  | { type: 'modified'; object: Live<T>; old: Live<T> }
  | { type: 'deleted'; object: Live<T>; old?: undefined };

export interface InformerOptions<T extends KubeObject> {
  client: Pick<KubeClient, 'list' | 'watch'>;
  kind: Kind<T>;
  log: Log;
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Names of lookups for `by`, and the values that an object is found under. */
  indexes?: Readonly<Record<string, Indexer<T>>> | undefined;
  /** Told once of each version of an object that the kind's schema rejects; default a log line. */
  onInvalid?: ((object: Live<KubeObject>, error: Error) => void) | undefined;
  timing?: Partial<InformerTiming> | undefined;
}

export interface InformerTiming {
  /** How long the server is asked to keep a watch open, at least; up to twice that, so that not all end together. */
  watchSeconds: number;
  /** A watch without a byte for so long is taken for dead. The server sends bookmarks about once a minute. */
  silenceMs: number;
  backoff: BackoffRange;
  random: () => number;
  sleep: Sleep;
}

const defaults: InformerTiming = {
  watchSeconds: 300,
  silenceMs: 150_000,
  backoff: { baseMs: 500, capMs: 30_000 },
  random: Math.random,
  sleep,
};

/** A watch that lasted so long was a success even if it brought nothing. */
const successMs = 10_000;

/**
 * A cache of the objects of one kind, kept up to date by list and watch, and whoever wants to hear of changes.
 *
 * - Handlers run in the order of the changes, after the cache has the change, and must not block; what one throws is
 *   logged. Changes that were missed while there was no watch are made up for, deletions included; versions in
 *   between are not.
 * - A deleted object made again under its name while there was no watch is a `deleted` and an `added`.
 * - Objects that the schema rejects are not in the cache: turning invalid looks like a deletion. Who deletes what
 *   belongs to absent objects must ask `invalid` first.
 * - Cached objects are shared: treat them as read-only.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #timing: InformerTiming;
  readonly #store: Store<T>;
  readonly #invalid = new Map<string, Live<KubeObject>>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #synced = Promise.withResolvers<void>();

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#timing = { ...defaults, ...options.timing };
    this.#store = new Store({
      ...options.indexes,
      [byNamespace]: (object) => [object.metadata.namespace ?? ''],
      [byOwner]: (object) => object.metadata.ownerReferences?.map((owner) => owner.uid) ?? [],
    });
  }

  /** Lists and watches until the signal is aborted; resolves then and never rejects. */
  async start(signal: AbortSignal): Promise<void> {
    const { backoff, random } = this.#timing;
    const position: Position = { resourceVersion: undefined, failures: 0 };
    while (!signal.aborted) {
      const startedAt = performance.now();
      // Until something arrives this round counts as a failure: a server may close every watch at once.
      position.failures += 1;
      const resumed = position.resourceVersion !== undefined;
      let retryAfterMs = 0;
      try {
        await this.#listAndWatch(position, signal);
        if (performance.now() - startedAt >= successMs) position.failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        position.failures ||= 1;
        if (mustListAgain(error, position.failures)) {
          position.resourceVersion = undefined;
          // The server answers, and a list is likely to mend it: only a list that did not is worth a longer wait.
          if (resumed) position.failures = 1;
        }
        if (error instanceof ApiError) retryAfterMs = (error.retryAfterSeconds ?? 0) * 1000;
        const fields = { ...this.#name(), failures: position.failures, err: error };
        this.#options.log.warn(fields, 'list and watch interrupted');
      }
      if (position.failures === 0) continue;
      const waitMs = Math.max(retryAfterMs, backoffMs(position.failures, backoff, random));
      await this.#timing.sleep(waitMs, signal).catch(() => {});
    }
  }

  /** Resolves when the cache has had everything once and the handlers were told; stays pending until then. */
  synced(): Promise<void> {
    return this.#synced.promise;
  }

  get(namespace: string, name: string): Live<T> | undefined {
    return this.#store.get(formatKey({ namespace, name }));
  }

  list(namespace?: string): Live<T>[] {
    return namespace === undefined ? this.#store.all() : this.#store.by(byNamespace, namespace);
  }

  /** Objects that the index of this name finds under `value`. */
  by(index: string, value: string): Live<T>[] {
    return this.#store.by(index, value);
  }

  /** Objects with an owner reference, controlling or not, to this uid. */
  byOwner(uid: string): Live<T>[] {
    return this.#store.by(byOwner, uid);
  }

  /** Objects that exist and that the schema rejects, as the server sent them. */
  invalid(): Live<KubeObject>[] {
    return [...this.#invalid.values()];
  }

  /** Tells the handler of every cached object as `added`, then of every change. Returns how to stop that. */
  onChange(handler: (change: Change<T>) => void): () => void {
    for (const object of this.#store.all()) this.#tell(handler, { type: 'added', object });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async #listAndWatch(position: Position, signal: AbortSignal): Promise<void> {
    const { client, kind, namespace, labelSelector, fieldSelector } = this.#options;
    const { watchSeconds, silenceMs, random } = this.#timing;
    const scope = { namespace, labelSelector, fieldSelector, signal };
    if (position.resourceVersion === undefined) {
      const list = await client.list(kind, scope);
      this.#replace(list.items);
      position.resourceVersion = list.resourceVersion;
      this.#synced.resolve();
    }
    const watch = client.watch(kind, {
      ...scope,
      resourceVersion: position.resourceVersion,
      timeoutSeconds: Math.round(watchSeconds * (1 + random())),
      silenceMs,
    });
    for await (const event of watch) {
      position.resourceVersion = this.#take(event);
      position.failures = 0;
    }
  }

  /** Puts a watch event into the cache; answers with the resource version to go on from. */
  #take(event: WatchEvent<T>): string {
    if (event.type === 'BOOKMARK') return event.resourceVersion;
    if (event.type === 'DELETED') {
      this.#invalid.delete(formatKey(keyOf(event.object)));
      this.#remove(event.object);
    } else {
      this.#put(event.object);
    }
    return event.object.metadata.resourceVersion;
  }

  #replace(items: readonly Live<T>[]): void {
    const present = new Set(items.map((item) => formatKey(keyOf(item))));
    for (const key of this.#invalid.keys()) if (!present.has(key)) this.#invalid.delete(key);
    for (const object of this.#store.all()) if (!present.has(formatKey(keyOf(object)))) this.#remove(object);
    for (const item of items) this.#put(item);
  }

  #put(raw: Live<T>): void {
    const key = formatKey(keyOf(raw));
    const { resourceVersion, uid } = raw.metadata;
    if (this.#invalid.get(key)?.metadata.resourceVersion === resourceVersion) return;
    const old = this.#store.get(key);
    if (old?.metadata.resourceVersion === resourceVersion) return;
    this.#invalid.delete(key);

    const decoded = decode(this.#options.kind, raw);
    if (decoded instanceof Error) {
      this.#invalid.set(key, raw);
      if (old !== undefined) this.#remove(old);
      this.#reject(raw, decoded);
      return;
    }
    const replaced = old !== undefined && old.metadata.uid !== uid;
    if (replaced) this.#remove(old);
    this.#store.set(decoded);
    if (old === undefined || replaced) this.#emit({ type: 'added', object: decoded });
    else this.#emit({ type: 'modified', object: decoded, old });
  }

  /** `object` is the last that is known of it: for a DELETED event its final state. */
  #remove(object: Live<T>): void {
    const key = formatKey(keyOf(object));
    const old = this.#store.get(key);
    if (old === undefined) return;
    this.#store.delete(key);
    const last = object === old ? old : decode(this.#options.kind, object);
    this.#emit({ type: 'deleted', object: last instanceof Error ? old : last });
  }

  #reject(object: Live<KubeObject>, error: Error): void {
    const { log, onInvalid } = this.#options;
    if (onInvalid === undefined) {
      log.warn({ ...this.#name(), ...keyOf(object), err: error }, 'object is not valid');
      return;
    }
    try {
      onInvalid(object, error);
    } catch (thrown) {
      log.error({ ...this.#name(), err: thrown }, 'onInvalid threw');
    }
  }

  #emit(change: Change<T>): void {
    for (const handler of this.#handlers) this.#tell(handler, change);
  }

  #tell(handler: (change: Change<T>) => void, change: Change<T>): void {
    try {
      handler(change);
    } catch (error) {
      this.#options.log.error(
        { ...this.#name(), ...keyOf(change.object), err: error },
        'change handler threw',
      );
    }
  }

  #name(): object {
    return { informer: this.#options.kind.plural };
  }
}

/** No caller's index can have these names by accident. */
const byNamespace = ' namespace';
const byOwner = ' owner';

interface Position {
  /** Where the next watch goes on; undefined when only a list can tell. */
  resourceVersion: string | undefined;
  /** Rounds in a row that brought nothing. */
  failures: number;
}

/**
 * Whether the resource version is of no more use: it is too old (410), ahead of a restored server (504) or not
 * understood (400). Overload, failing credentials and lost connections leave it as good as it was, unless the
 * server goes on answering with an error.
 */
function mustListAgain(error: unknown, failures: number): boolean {
  if (!(error instanceof ApiError)) return true;
  if (error.status === 0) return false;
  return failures >= 5 || ![401, 403, 429, 500, 502, 503].includes(error.status);
}

function decode<T extends KubeObject>(kind: Kind<T>, raw: Live<T>): Live<T> | Error {
  // Half of the bytes of many objects, and of no interest to a cache.
  if ('managedFields' in raw.metadata) delete raw.metadata.managedFields;
  if (kind.schema === undefined) return raw;
  const parsed = kind.schema.safeParse(raw);
  return parsed.success ? { ...parsed.data, metadata: raw.metadata } : parsed.error;
}
