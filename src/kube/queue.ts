import { backoffMs } from './backoff.ts';
import type { BackoffRange } from './backoff.ts';

export interface QueueOptions {
  /** The waits of addRateLimited; default 0.1 s doubling to 5 min. */
  backoff?: BackoffRange | undefined;
  random?: (() => number) | undefined;
}

/** Longer waits overflow setTimeout into firing at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Keys waiting for a worker.
 *
 * - A key is queued at most once, however often it is added.
 * - A key is handed to one worker at a time, from `get` to `done`; added in between, it is handed out again after
 *   `done`.
 * - A key has at most one pending wait, the earliest asked for. `add` ends the wait: the key is due now.
 * - After `shutDown` nothing more is handed out: who rebuilds its state from the API server loses nothing by that.
 */
export class WorkQueue {
  readonly #backoff: BackoffRange;
  readonly #random: () => number;
  /** In the order of arrival. Never holds a key that is in #processing. */
  readonly #ready = new Set<string>();
  readonly #processing = new Set<string>();
  /** Added while processed. */
  readonly #again = new Set<string>();
  readonly #waiting = new Map<string, { dueAt: number; timer: NodeJS.Timeout }>();
  readonly #failures = new Map<string, number>();
  readonly #workers: ((key: string | undefined) => void)[] = [];
  readonly #drained = Promise.withResolvers<void>();
  #closed = false;

  constructor(options: QueueOptions = {}) {
    this.#backoff = options.backoff ?? { baseMs: 100, capMs: 300_000 };
    this.#random = options.random ?? Math.random;
  }

  /** Keys that are due and not handed out. */
  get length(): number {
    return this.#ready.size;
  }

  add(key: string): void {
    if (this.#closed) return;
    this.#stopWaiting(key);
    if (this.#processing.has(key)) {
      this.#again.add(key);
      return;
    }
    const worker = this.#ready.has(key) ? undefined : this.#workers.shift();
    if (worker === undefined) {
      this.#ready.add(key);
    } else {
      this.#processing.add(key);
      worker(key);
    }
  }

  /** Adds the key after `ms`, or earlier when an earlier wait is pending; not at all when it is due already. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key);
      return;
    }
    if (this.#ready.has(key) || this.#again.has(key)) return;
    const dueAt = performance.now() + ms;
    const pending = this.#waiting.get(key);
    if (pending !== undefined && pending.dueAt <= dueAt) return;
    this.#stopWaiting(key);
    const timer = setTimeout(
      () => {
        this.#waiting.delete(key);
        this.add(key);
      },
      Math.min(ms, longestTimerMs),
    );
    this.#waiting.set(key, { dueAt, timer });
  }

  /** Adds the key after a wait that doubles with every call until `forget`; answers with the wait in ms. */
  addRateLimited(key: string, atLeastMs = 0): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const ms = Math.max(atLeastMs, backoffMs(failures, this.#backoff, this.#random));
    this.addAfter(key, ms);
    return ms;
  }

  /** Ends the key's series of failures; pending waits stay. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** Calls of addRateLimited since the last `forget`. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; undefined once the queue is shut down. Every key needs its `done`. */
  get(): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    for (const key of this.#ready) {
      this.#ready.delete(key);
      this.#processing.add(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => {
      this.#workers.push(resolve);
    });
  }

  done(key: string): void {
    this.#processing.delete(key);
    if (this.#again.delete(key)) this.add(key);
    if (this.#closed && this.#processing.size === 0) this.#drained.resolve();
  }

  /** Drops what is queued and waiting, lets workers go, and resolves when every handed-out key is done. */
  shutDown(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      for (const { timer } of this.#waiting.values()) clearTimeout(timer);
      this.#waiting.clear();
      this.#ready.clear();
      this.#again.clear();
      for (const worker of this.#workers.splice(0)) worker(undefined);
      if (this.#processing.size === 0) this.#drained.resolve();
    }
    return this.#drained.promise;
  }

  #stopWaiting(key: string): void {
    clearTimeout(this.#waiting.get(key)?.timer);
    this.#waiting.delete(key);
  }
}
