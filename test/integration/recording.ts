import type { KubeClient } from '../../src/kube/client.ts';
import type { Kind, KubeObject, Live } from '../../src/kube/kind.ts';
import { patienceMs } from './eventually.ts';

export interface Change<T extends KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: Live<T>;
}

/**
 * Every version of every object of one kind in a namespace, from when the recording started. It is a watch of its own:
 * what the operator's caches make of the same events is what is under test.
 */
export class Recording<T extends KubeObject> {
  readonly changes: Change<T>[] = [];
  readonly #kind: Kind<T>;
  readonly #current = new Map<string, Live<T>>();
  readonly #listeners = new Set<(change: Change<T>) => void>();
  readonly #lookers = new Set<() => void>();
  #broken: Error | undefined;

  static async start<T extends KubeObject>(
    client: KubeClient,
    kind: Kind<T>,
    scope: { namespace: string; signal: AbortSignal },
  ): Promise<Recording<T>> {
    const recording = new Recording(kind);
    const { items, resourceVersion } = await client.list(kind, scope);
    for (const object of items) recording.#take({ type: 'ADDED', object });
    void recording.#watch(client, resourceVersion, scope);
    return recording;
  }

  private constructor(kind: Kind<T>) {
    this.#kind = kind;
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
  until<R>(what: string, look: () => R | undefined | false, timeout?: number): Promise<R> {
    return this.#until(what, look, () => this.all().map((object) => brief(object, 200)), timeout);
  }

  /** The object of this name once `is` holds for it. */
  untilOne(name: string, is: (object: Live<T>) => boolean, timeout?: number): Promise<Live<T>> {
    const look = (): Live<T> | false => {
      const object = this.get(name);
      return object !== undefined && is(object) && object;
    };
    const versions = (): string[] =>
      this.versions(name)
        .slice(-3)
        .map((object) => brief(object, 3000));
    return this.#until(`${this.#kind.kind} ${name}: ${is.toString()}`, look, versions, timeout);
  }

  untilGone(name: string, timeout?: number): Promise<true> {
    return this.until(`${this.#kind.kind} ${name} is gone`, () => !this.#current.has(name), timeout);
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

  #take(change: Change<T>): void {
    const { name } = change.object.metadata;
    this.changes.push(change);
    if (change.type === 'DELETED') this.#current.delete(name);
    else this.#current.set(name, change.object);
    for (const listener of this.#listeners) listener(change);
    for (const looker of this.#lookers) looker();
  }

  async #watch(
    client: KubeClient,
    resourceVersion: string,
    scope: { namespace: string; signal: AbortSignal },
  ): Promise<void> {
    try {
      const watch = client.watch(this.#kind, {
        ...scope,
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
