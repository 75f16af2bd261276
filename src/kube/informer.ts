import { backoffMs, sleep } from './backoff.ts';
import type { BackoffRange, Sleep } from './backoff.ts';
import type { KubeClient, WatchEvent } from './client.ts';
import { ApiError, isNotFound } from './errors.ts';
import { InformerCache } from './informer-cache.ts';
import type { Change, Snapshot } from './informer-cache.ts';
import { isStreamRefused, listPages, streamUnknown } from './informer-list.ts';
import { formatKey, keyOf } from './kind.ts';
import type { Kind, KubeObject, Live } from './kind.ts';
import type { Log } from './log.ts';
import type { Indexer } from './store.ts';

export type { Change } from './informer-cache.ts';

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
  /**
   * What the cache is to keep of an object, as a new one: indexes and handlers see no more than that. Never kept are
   * managedFields and what `kubectl apply` notes down.
   */
  prune?: ((object: Live<T>) => Live<T>) | undefined;
  /** Whether to ask for lists as a stream, one object at a time, of servers that offer it; default true. */
  streamLists?: boolean | undefined;
  /** Whether the API server may be without the kind, which is as if there were no object; looked for again every ten minutes. */
  optional?: boolean | undefined;
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
  /** Until an optional kind that is not there is looked for again. */
  absentMs: number;
  random: () => number;
  sleep: Sleep;
}

const defaults: InformerTiming = {
  watchSeconds: 300,
  silenceMs: 150_000,
  backoff: { baseMs: 500, capMs: 30_000 },
  absentMs: 600_000,
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
 *   between are not. No version is told twice, and none after a newer one.
 * - A deleted object made again under its name while there was no watch is a `deleted` and an `added`.
 * - Objects that the schema rejects are not in the cache: turning invalid looks like a deletion. Who deletes what
 *   belongs to absent objects must ask `invalid` first.
 * - Cached objects are shared: treat them as read-only.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #timing: InformerTiming;
  readonly #cache: InformerCache<T>;
  readonly #handlers = new Set<(change: Change<T>) => void>();
  readonly #synced = Promise.withResolvers<void>();
  #streamLists: boolean;

  constructor(options: InformerOptions<T>) {
    this.#options = options;
    this.#timing = { ...defaults, ...options.timing };
    this.#streamLists = options.streamLists ?? true;
    this.#cache = new InformerCache({
      kind: options.kind,
      prune: options.prune,
      indexes: {
        ...options.indexes,
        [byNamespace]: (object) => [object.metadata.namespace ?? ''],
        [byOwner]: (object) => object.metadata.ownerReferences?.map((owner) => owner.uid) ?? [],
      },
      onChange: (change) => {
        for (const handler of this.#handlers) this.#tell(handler, change);
      },
      onInvalid: (object, error) => this.#reject(object, error),
    });
  }

  /** Lists and watches until the signal is aborted; resolves then and never rejects. */
  async start(signal: AbortSignal): Promise<void> {
    const { backoff, random, absentMs } = this.#timing;
    const position: Position = { resourceVersion: undefined, failures: 0, paged: false };
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
        if (this.#options.optional === true && isNotFound(error)) {
          this.#options.log.debug(this.#name(), 'the API server does not have this kind');
          this.#replace(this.#cache.snapshot(), '0', position);
          position.resourceVersion = undefined;
          position.failures = 0;
          await this.#timing.sleep(absentMs, signal).catch(() => {});
          continue;
        }
        if (position.paged && isStreamRefused(error)) {
          this.#streamLists = false;
          this.#options.log.debug({ ...this.#name(), err: error }, 'lists are not streamed here');
          position.failures -= 1;
          continue;
        }
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
    return this.#cache.store.get(formatKey({ namespace, name }));
  }

  list(namespace?: string): Live<T>[] {
    return namespace === undefined ? this.#cache.store.all() : this.#cache.store.by(byNamespace, namespace);
  }

  /** Objects that the index of this name finds under `value`. */
  by(index: string, value: string): Live<T>[] {
    return this.#cache.store.by(index, value);
  }

  /** Objects with an owner reference, controlling or not, to this uid. */
  byOwner(uid: string): Live<T>[] {
    return this.#cache.store.by(byOwner, uid);
  }

  /** Objects that exist and that the schema rejects, as the server sent them. */
  invalid(): Live<KubeObject>[] {
    return this.#cache.invalid();
  }

  /**
   * Puts the answer to a write of one's own into the cache, and tells of it, before the watch does: whoever decides next
   * decides by it. To be given whatever the API server answers, as it came and at any time: what is not newer than the
   * cache, or cannot be told to be, is left to the watch. Only for objects that the informer's selectors select.
   */
  observe(object: Live<T>): void {
    const { namespace } = this.#options;
    if (namespace === undefined || object.metadata.namespace === namespace) this.#cache.observe(object);
  }

  /** Tells the handler of every cached object as `added`, then of every change. Returns how to stop that. */
  onChange(handler: (change: Change<T>) => void): () => void {
    for (const object of this.#cache.store.all()) {
      this.#tell(handler, { type: 'added', object, initial: true });
    }
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async #listAndWatch(position: Position, signal: AbortSignal): Promise<void> {
    const { client, kind, namespace, labelSelector, fieldSelector } = this.#options;
    const { watchSeconds, silenceMs, random } = this.#timing;
    const scope = { namespace, labelSelector, fieldSelector, signal };
    // What is there, as long as the watch has not told of all of it.
    let snapshot: Snapshot<T> | undefined;
    if (position.resourceVersion === undefined) {
      snapshot = this.#cache.snapshot();
      const streamed = this.#streamLists && !position.paged;
      position.paged = streamed;
      if (!streamed) {
        this.#replace(snapshot, await listPages(client, kind, scope, snapshot), position);
        snapshot = undefined;
      }
    }
    const watch = client.watch(kind, {
      ...scope,
      resourceVersion: position.resourceVersion,
      initialEvents: snapshot !== undefined,
      timeoutSeconds: Math.round(watchSeconds * (1 + random())),
      silenceMs,
    });
    for await (const event of watch) {
      if (snapshot === undefined) {
        position.resourceVersion = this.#take(event);
      } else if (event.type !== 'BOOKMARK') {
        snapshot.take(event);
        continue;
      } else {
        // The server took this for a watch like any other, and says no end to what was there.
        if (event.initialEventsEnd !== true) throw streamUnknown;
        this.#replace(snapshot, event.resourceVersion, position);
        snapshot = undefined;
      }
      position.failures = 0;
    }
    if (snapshot !== undefined) throw new Error('the stream ended before everything had come');
  }

  #replace(snapshot: Snapshot<T>, version: string, position: Position): void {
    this.#cache.replace(snapshot, version);
    position.resourceVersion = version;
    position.paged = false;
    this.#synced.resolve();
  }

  /** Puts a watch event into the cache; answers with the resource version to go on from. */
  #take(event: WatchEvent<T>): string {
    if (event.type === 'BOOKMARK') {
      this.#cache.reach(event.resourceVersion);
      return event.resourceVersion;
    }
    this.#cache.take(event);
    return event.object.metadata.resourceVersion;
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
  /** The last stream of a list broke off: the next list comes by pages. */
  paged: boolean;
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
