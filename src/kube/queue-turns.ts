import { parseKey } from './kind.ts';

/**
 * Keys whose namespaces take turns: between two keys of a namespace, every other namespace gets at most one. Within a
 * namespace the key that came first is first. Everything takes constant time.
 */
export class Turns {
  readonly #namespaces = new Map<string, Fifo>();
  /** Namespaces that have keys, in the order of their turns. */
  readonly #order = new Fifo();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The key must not be there. */
  add(key: string): void {
    const { namespace } = parseKey(key);
    let keys = this.#namespaces.get(namespace);
    if (keys === undefined) {
      keys = new Fifo();
      this.#namespaces.set(namespace, keys);
      this.#order.add(namespace);
    }
    keys.add(key);
    this.#size += 1;
  }

  /** The key must be there. */
  delete(key: string): void {
    const { namespace } = parseKey(key);
    const keys = this.#namespaces.get(namespace);
    keys?.delete(key);
    this.#size -= 1;
    if (keys?.size !== 0) return;
    this.#namespaces.delete(namespace);
    this.#order.delete(namespace);
  }

  take(): string | undefined {
    const namespace = this.#order.take();
    if (namespace === undefined) return undefined;
    const keys = this.#namespaces.get(namespace);
    const key = keys?.take();
    this.#size -= 1;
    if (keys?.size === 0) this.#namespaces.delete(namespace);
    else this.#order.add(namespace);
    return key;
  }
}

/**
 * Strings in the order of arrival, each once. An iterator is kept, since a new one would walk over all that was taken
 * before; what is added comes after wherever it stands.
 */
class Fifo {
  readonly #items = new Set<string>();
  readonly #rest = this.#items.values();

  get size(): number {
    return this.#items.size;
  }

  add(item: string): void {
    this.#items.add(item);
  }

  delete(item: string): void {
    this.#items.delete(item);
  }

  take(): string | undefined {
    // An iterator that has come to the end stays there.
    if (this.#items.size === 0) return undefined;
    const { value } = this.#rest.next();
    if (value !== undefined) this.#items.delete(value);
    return value;
  }
}
