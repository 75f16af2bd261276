import { formatKey, keyOf } from './kind.ts';
import type { KubeObject, Live } from './kind.ts';

export type Indexer<T extends KubeObject> = (object: Live<T>) => readonly string[];

/** Objects by namespace and name, and by the keys of each index. */
export class Store<T extends KubeObject> {
  readonly #objects = new Map<string, Live<T>>();
  readonly #indexers: ReadonlyMap<string, Indexer<T>>;
  /** The keys under a value. Most values have one, and a set of one takes five times as much memory as the key. */
  readonly #indexes = new Map<string, Map<string, string | Set<string>>>();

  constructor(indexers: Readonly<Record<string, Indexer<T>>>) {
    this.#indexers = new Map(Object.entries(indexers));
    for (const name of this.#indexers.keys()) this.#indexes.set(name, new Map());
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  all(): Live<T>[] {
    return [...this.#objects.values()];
  }

  get(key: string): Live<T> | undefined {
    return this.#objects.get(key);
  }

  /** Throws when there is no index of that name. */
  by(index: string, value: string): Live<T>[] {
    const found = this.#indexes.get(index);
    if (found === undefined) throw new Error(`there is no index "${index}"`);
    const keys = found.get(value) ?? [];
    return (typeof keys === 'string' ? [keys] : [...keys]).flatMap((key) => this.#objects.get(key) ?? []);
  }

  set(object: Live<T>): void {
    const key = formatKey(keyOf(object));
    this.delete(key);
    this.#objects.set(key, object);
    for (const [name, indexer] of this.#indexers) {
      const index = this.#indexes.get(name);
      for (const value of indexer(object)) {
        const keys = index?.get(value);
        if (keys === undefined) index?.set(value, key);
        else if (typeof keys !== 'string') keys.add(key);
        else if (keys !== key) index?.set(value, new Set([keys, key]));
      }
    }
  }

  delete(key: string): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    for (const [name, indexer] of this.#indexers) {
      const index = this.#indexes.get(name);
      for (const value of indexer(object)) {
        const keys = index?.get(value);
        if (typeof keys === 'object') keys.delete(key);
        if (keys === key || (typeof keys === 'object' && keys.size === 0)) index?.delete(value);
      }
    }
  }
}
