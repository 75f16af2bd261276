export interface Waiting {
  /** The Model, as formatKey writes it. */
  readonly key: string;
  /** When it began to wait, ISO 8601 with milliseconds. */
  readonly since: string;
}

/** By when they began to wait; who began at the same time, by name. */
export function inOrder(one: Waiting, other: Waiting): number {
  if (one.since !== other.since) return one.since < other.since ? -1 : 1;
  if (one.key === other.key) return 0;
  return one.key < other.key ? -1 : 1;
}

/**
 * Who waits, in order. Finding a place takes a few comparisons, however many wait; joining and leaving move a list of
 * references.
 */
export class WaitingLine {
  readonly #entries: Waiting[] = [];
  readonly #since = new Map<string, string>();

  get length(): number {
    return this.#entries.length;
  }

  has(key: string): boolean {
    return this.#since.has(key);
  }

  /** Its place, counted from 1; 0 when it does not wait. */
  placeOf(key: string): number {
    const since = this.#since.get(key);
    return since === undefined ? 0 : this.#search({ key, since }) + 1;
  }

  /** Who has this place, counted from 1. */
  at(place: number): Waiting | undefined {
    return this.#entries[place - 1];
  }

  /** The place that it has now. One that waits already keeps its own. */
  join(entry: Waiting): number {
    if (this.has(entry.key)) return this.placeOf(entry.key);
    const index = this.#search(entry);
    this.#entries.splice(index, 0, entry);
    this.#since.set(entry.key, entry.since);
    return index + 1;
  }

  /** The place that it had; 0 when it did not wait. */
  leave(key: string): number {
    const place = this.placeOf(key);
    if (place > 0) this.#entries.splice(place - 1, 1);
    this.#since.delete(key);
    return place;
  }

  /** The first so many, without those that are passed over. */
  first(count: number, passed: ReadonlySet<string>): Waiting[] {
    const found: Waiting[] = [];
    for (const entry of this.#entries) {
      if (found.length >= count) break;
      if (!passed.has(entry.key)) found.push(entry);
    }
    return found;
  }

  /** The index of the first that does not come before the entry. */
  #search(entry: Waiting): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (inOrder(this.#entries[middle] as Waiting, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
