import { formatKey, keyOf } from './kind.ts';
import type { Kind, KubeObject, Live } from './kind.ts';
import { isOlder } from './resource-version.ts';
import { valueSharing } from './shared-values.ts';
import { Store } from './store.ts';
import type { Indexer } from './store.ts';

export type Change<T extends KubeObject> =
  | {
      type: 'added';
      object: Live<T>;
      old?: undefined;
      /** It was there before: told before `synced`, or to a handler that came late. */
      initial?: true;
    }
  | { type: 'modified'; object: Live<T>; old: Live<T> }
  | { type: 'deleted'; object: Live<T>; old?: undefined };

export type WatchedChange<T extends KubeObject> = {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Live<T>;
};

/** An object on its way in: as the cache would keep it, or as it came and what the schema has against it. */
type Candidate<T extends KubeObject> =
  { object: Live<T>; error?: undefined } | { object: Live<KubeObject>; error: Error };

export interface CacheOptions<T extends KubeObject> {
  kind: Kind<T>;
  indexes: Readonly<Record<string, Indexer<T>>>;
  prune?: ((object: Live<T>) => Live<T>) | undefined;
  onChange: (change: Change<T>) => void;
  onInvalid: (object: Live<KubeObject>, error: Error) => void;
}

/**
 * The objects of an informer, and what changes when something arrives: from a list, from the watch, or from a write of
 * our own that the watch has yet to tell of. The versions of an object only go forward.
 */
export class InformerCache<T extends KubeObject> {
  readonly store: Store<T>;
  readonly #options: CacheOptions<T>;
  readonly #invalid = new Map<string, { object: Live<KubeObject>; error: Error }>();
  /** Everything up to here has arrived. */
  #upTo: string | undefined;
  /** Versions of observed objects that lie beyond. */
  readonly #ahead = new Map<string, string>();
  readonly #share = valueSharing();

  constructor(options: CacheOptions<T>) {
    this.#options = options;
    this.store = new Store(options.indexes);
  }

  invalid(): Live<KubeObject>[] {
    return [...this.#invalid.values()].map(({ object }) => object);
  }

  /** Where what is there now is put together. To be called before it is asked for. */
  snapshot(): Snapshot<T> {
    // What was observed until now is in whatever the server says from now on, unless it is deleted by then.
    this.#ahead.clear();
    return new Snapshot((raw) => this.#read(raw));
  }

  /** Puts the snapshot, of this version, in the place of everything. */
  replace({ candidates }: Snapshot<T>, version: string): void {
    const outlives = (key: string): boolean => isOlder(version, this.#ahead.get(key) ?? '');
    for (const key of this.#invalid.keys())
      if (!candidates.has(key) && !outlives(key)) this.#invalid.delete(key);
    for (const object of this.store.all()) {
      const key = formatKey(keyOf(object));
      if (!candidates.has(key) && !outlives(key)) this.#remove(key, object);
    }
    for (const [key, candidate] of candidates) if (!outlives(key)) this.#put(key, candidate);
    this.reach(version);
  }

  /** Says that everything up to this version has arrived, as a bookmark does. */
  reach(version: string): void {
    this.#upTo = version;
    for (const [key, ahead] of this.#ahead) if (!isOlder(version, ahead)) this.#ahead.delete(key);
  }

  /** Puts what the watch tells in. */
  take({ type, object }: WatchedChange<T>): void {
    const key = formatKey(keyOf(object));
    const { resourceVersion } = object.metadata;
    this.#upTo = resourceVersion;
    const ahead = this.#ahead.get(key);
    if (ahead !== undefined) {
      if (isOlder(resourceVersion, ahead)) return;
      this.#ahead.delete(key);
    }
    if (type !== 'DELETED') {
      this.#put(key, this.#read(object));
      return;
    }
    this.#invalid.delete(key);
    const { object: last, error } = this.#read(object);
    this.#remove(key, error === undefined ? last : undefined);
  }

  /** Puts what a write was answered with in, when that is news. */
  observe(object: Live<T>): void {
    const key = formatKey(keyOf(object));
    const { resourceVersion, deletionTimestamp, finalizers = [] } = object.metadata;
    // The write took the last finalizer, and with it the object.
    if (deletionTimestamp !== undefined && finalizers.length === 0) return;
    const cached = this.store.get(key) ?? this.#invalid.get(key)?.object;
    // What has arrived since may be that it was deleted. An order that cannot be told is left to the watch.
    const known = [this.#upTo ?? '', cached?.metadata.resourceVersion];
    if (!known.every((version) => version === undefined || isOlder(version, resourceVersion))) return;
    this.#ahead.set(key, resourceVersion);
    this.#put(key, this.#read(object));
  }

  /** The cached object itself when it is of this very version. */
  #read(raw: Live<T>): Candidate<T> {
    const key = formatKey(keyOf(raw));
    const { resourceVersion } = raw.metadata;
    const cached = this.store.get(key);
    if (cached?.metadata.resourceVersion === resourceVersion) return { object: cached };
    const invalid = this.#invalid.get(key);
    if (invalid?.object.metadata.resourceVersion === resourceVersion) return invalid;

    const candidate = this.#slim(raw);
    this.#share(candidate.object);
    return candidate;
  }

  #slim(raw: Live<T>): Candidate<T> {
    const { kind, prune = (object) => object } = this.#options;
    const slim = { ...raw, metadata: slimMetadata(raw.metadata) };
    if (kind.schema === undefined) return { object: prune(slim) };
    const { data, error } = kind.schema.safeParse(slim);
    return data === undefined
      ? { object: slim, error }
      : { object: prune({ ...data, metadata: slim.metadata }) };
  }

  #put(key: string, { object, error }: Candidate<T>): void {
    const old = this.store.get(key);
    const known = old ?? this.#invalid.get(key)?.object;
    const { resourceVersion, uid } = object.metadata;
    if (known?.metadata.resourceVersion === resourceVersion) return;
    this.#invalid.delete(key);
    if (error !== undefined) {
      this.#invalid.set(key, { object, error });
      this.#remove(key);
      this.#options.onInvalid(object, error);
      return;
    }
    const replaced = old !== undefined && old.metadata.uid !== uid;
    if (replaced) this.#remove(key);
    this.store.set(object);
    const { onChange } = this.#options;
    if (old !== undefined && !replaced) onChange({ type: 'modified', object, old });
    else if (this.#upTo === undefined) onChange({ type: 'added', object, initial: true });
    else onChange({ type: 'added', object });
  }

  /** `last`, when given, is its final state. */
  #remove(key: string, last?: Live<T>): void {
    const old = this.store.get(key);
    if (old === undefined) return;
    this.store.delete(key);
    this.#options.onChange({ type: 'deleted', object: last ?? old });
  }
}

/** What is there at one time, object by object; it becomes the cache's content when it is whole. */
export class Snapshot<T extends KubeObject> {
  readonly candidates = new Map<string, Candidate<T>>();
  readonly #read: (raw: Live<T>) => Candidate<T>;

  constructor(read: (raw: Live<T>) => Candidate<T>) {
    this.#read = read;
  }

  add(raw: Live<T>): void {
    this.candidates.set(formatKey(keyOf(raw)), this.#read(raw));
  }

  take({ type, object }: WatchedChange<T>): void {
    if (type === 'DELETED') this.candidates.delete(formatKey(keyOf(object)));
    else this.add(object);
  }

  clear(): void {
    this.candidates.clear();
  }
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Half of the bytes of many objects are there for whoever writes them, and of no interest to a cache. */
function slimMetadata<M extends Live<KubeObject>['metadata']>(metadata: M): M {
  const slim = { ...metadata };
  if ('managedFields' in slim) delete slim.managedFields;
  if (slim.annotations?.[lastApplied] !== undefined) {
    slim.annotations = { ...slim.annotations };
    delete slim.annotations[lastApplied];
  }
  return slim;
}
