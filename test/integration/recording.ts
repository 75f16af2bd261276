import type { KubeClient } from '../../src/kube/client.ts';
import type { Kind, KubeObject, Live } from '../../src/kube/kind.ts';
import { isOlder } from '../../src/kube/resource-version.ts';
import { patienceMs } from './eventually.ts';

export interface Change<T extends KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Live<T>;
}

interface CatchesUp {
  catchUp(): Promise<void>;
}

interface Scope {
  namespace: string;
  signal: AbortSignal;
}

/**
 * Every version of every object of one kind in a namespace, from when the recording started. It is a watch of its own:
 * what the operator's caches make of the same events is what is under test.
 *
 * Watches of several kinds are not ordered to each other: one may tell of what came about before the other tells of
 * what it came of. Whoever has waited on one of several that keep up finds the others as far.
 */
export class Recording<T extends KubeObject> {
  readonly changes: Change<T>[] = [];
  readonly #client: KubeClient;
  readonly #kind: Kind<T>;
  readonly #scope: Scope;
  readonly #current = new Map<string, Live<T>>();
  /** The version of the last change of an object, its end included, by name. */
  readonly #reached = new Map<string, string>();
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #lookers = new Set<() => void>();
  #others: readonly CatchesUp[] = [];
  #broken: Error | undefined;

  static async start<T extends KubeObject>(
    client: KubeClient,
    kind: Kind<T>,
    scope: Scope,
  ): Promise<Recording<T>> {
    const recording = new Recording(client, kind, scope);
    const { items, resourceVersion } = await client.list(kind, scope);
    for (const object of items) recording.#take({ type: 'ADDED', object });
    void recording.#watch(resourceVersion);
    return recording;
  }

  private constructor(client: KubeClient, kind: Kind<T>, scope: Scope) {
    this.#client = client;
    this.#kind = kind;
    this.#scope = scope;
  }

  /** Whoever waits on this one finds the others as far. */
  keepUp(recordings: readonly CatchesUp[]): void {
    this.#others = recordings.filter((other) => other !== this);
  }

  get(name: string): Live<T> | undefined {
    return this.#current.get(name);
  }

  all(): Live<T>[] {
    return [...this.#current.values()];
  }

  /** The versions of one object, oldest first. */
  versions(name: string): Live<T>[] {
    return this.changes.filter(({ object }) => object.metadata.name === name).map(({ object }) => object);
  }

  /** Names of all objects that were ever there, in the order in which they were made. */
  made(): string[] {
    return this.changes.filter(({ type }) => type === 'ADDED').map(({ object }) => object.metadata.name);
  }

  /** Tells of every change to come, in their order and before anybody who waits for one looks. */
  onChange(listener: (change: Change<T>) => void): void {
    this.#listeners.add(listener);
  }

  /** The first thing that `look` finds, now or after a change. */
  async until<R>(what: string, look: () => R | undefined | false, timeout?: number): Promise<R> {
    const seen = (): string[] => this.all().map((object) => brief(object, 200));
    const found = await this.#until(what, look, seen, timeout);
    await this.#othersCatchUp();
    return found;
  }

  /** The object of this name once `is` holds for it. */
  async untilOne(name: string, is: (object: Live<T>) => boolean, timeout?: number): Promise<Live<T>> {
    const look = (): Live<T> | false => {
      const object = this.get(name);
      return object !== undefined && is(object) && object;
    };
    const versions = (): string[] =>
      this.versions(name)
        .slice(-3)
        .map((object) => brief(object, 3000));
    const found = await this.#until(`${this.#kind.kind} ${name}: ${is.toString()}`, look, versions, timeout);
    await this.#othersCatchUp();
    return found;
  }

  untilGone(name: string, timeout?: number): Promise<true> {
    return this.until(`${this.#kind.kind} ${name} is gone`, () => !this.#current.has(name), timeout);
  }

  /** Resolves once it has told of all that is there now. */
  async catchUp(): Promise<void> {
    const { items, resourceVersion } = await this.#client.list(this.#kind, this.#scope);
    const there = new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
    const isTold = ([name, version]: [string, string]): boolean => {
      const reached = this.#reached.get(name);
      return reached !== undefined && !isOlder(reached, version);
    };
    const isThere = ({ metadata }: Live<T>): boolean =>
      there.has(metadata.name) || isOlder(resourceVersion, metadata.resourceVersion);
    const look = (): boolean => [...there].every(isTold) && this.all().every(isThere);
    await this.#until(`all ${this.#kind.plural} that are there`, look, () => [...there].map(String));
  }

  #until<R>(
    what: string,
    look: () => R | undefined | false,
    seen: () => string[],
    timeout = patienceMs,
  ): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const looker = (): void => {
      try {
        if (this.#broken) throw this.#broken;
        const found = look();
        if (found !== undefined && found !== false) resolve(found);
      } catch (error) {
        reject(error);
      }
    };
    const timer = setTimeout(() => {
      const lines = seen().join('\n');
      reject(new Error(`${what}: not so after ${timeout / 1000} s. What is there:\n${lines}`));
    }, timeout);
    this.#lookers.add(looker);
    looker();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#lookers.delete(looker);
    });
  }

  async #othersCatchUp(): Promise<void> {
    await Promise.all(this.#others.map((other) => other.catchUp()));
  }

  #take(change: Change<T>): void {
    const { name, resourceVersion } = change.object.metadata;
    this.changes.push(change);
    this.#reached.set(name, resourceVersion);
    if (change.type === 'DELETED') this.#current.delete(name);
    else this.#current.set(name, change.object);
    for (const listener of this.#listeners) listener(change);
    for (const looker of this.#lookers) looker();
  }

  async #watch(resourceVersion: string): Promise<void> {
    try {
      const watch = this.#client.watch(this.#kind, {
        ...this.#scope,
        resourceVersion,
        timeoutSeconds: 900,
        silenceMs: 900_000,
      });
      for await (const event of watch) if (event.type !== 'BOOKMARK') this.#take(event);
      this.#broken = new Error(`the watch of ${this.#kind.plural} ended`);
    } catch (error) {
      this.#broken = error instanceof Error ? error : new Error(String(error));
    }
    for (const looker of this.#lookers) looker();
  }
}

/** One line, so that a failed test is readable with dozens of objects in its namespace. */
function brief({ metadata = {}, status }: KubeObject & { status?: unknown }, most: number): string {
  const { name, generation, resourceVersion, deletionTimestamp } = metadata;
  const ending = deletionTimestamp === undefined ? '' : ' (ending)';
  const what = `${name}${ending} generation ${generation} version ${resourceVersion}`;
  return `  ${what}: ${JSON.stringify(status)}`.slice(0, most);
}
