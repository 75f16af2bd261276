import type { Informer } from '../../kube/informer.ts';
import { formatKey, keyOf, type Key, type KubeObject, type Live } from '../../kube/kind.ts';

/** A cache whose changes are heard of. */
export type Followed<T extends KubeObject> = Pick<Informer<T>, 'get' | 'onChange'>;

/** Lets many streams follow single objects of a cache, which is listened to once. */
export class Following<T extends KubeObject> {
  readonly #cache: Followed<T>;
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(cache: Followed<T>) {
    this.#cache = cache;
    cache.onChange(({ object }) => {
      for (const wake of this.#waiting.get(formatKey(keyOf(object))) ?? []) wake();
    });
  }

  /**
   * The object as it is, and again when it has changed, or `everyMs` have passed; undefined while there is none. Versions
   * that come faster than they are asked for are left out. Ends when the signal is aborted.
   */
  async *follow(key: Key, signal: AbortSignal, everyMs: number): AsyncGenerator<Live<T> | undefined> {
    while (!signal.aborted) {
      const next = this.#changed(key, signal, everyMs);
      yield this.#cache.get(key.namespace, key.name);
      await next;
    }
  }

  #changed(key: Key, signal: AbortSignal, everyMs: number): Promise<void> {
    const name = formatKey(key);
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiting);
      const wake = (): void => {
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(name);
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, everyMs);
      signal.addEventListener('abort', wake);
      waiting.add(wake);
    });
  }
}
