import { backoffMs } from './backoff.ts';
import type { BackoffRange } from './backoff.ts';
import { higher, isHigher, priorities } from './priority.ts';
import type { Priority } from './priority.ts';
import { Levels } from './queue-levels.ts';

export interface QueueOptions {
  /** The waits of addRateLimited; default 0.1 s doubling to 5 min. */
  backoff?: BackoffRange | undefined;
  random?: (() => number) | undefined;
  observer?: QueueObserver | undefined;
}

/** Told of what becomes of each key; must not throw. */
export interface QueueObserver {
  /** The key is due, and was not before. It may be with a worker still. */
  due(key: string, priority: Priority): void;
  /** The key was due and gets a higher priority. */
  raised(key: string, priority: Priority): void;
  handedOut(key: string): void;
  done(key: string): void;
  /** The key comes back after a failure. */
  retried(key: string): void;
}

/** Longer waits overflow setTimeout into firing at once. */
const longestTimerMs = 2 ** 31 - 1;

type Worker = (key: string | undefined) => void;

/** What is wanted of a key since it was handed out. */
interface Wanted {
  priority: Priority;
  /** Absent once the key is due. */
  wait?: { dueAt: number; timer: NodeJS.Timeout } | undefined;
}

/**
 * Keys waiting for a worker, written as formatKey writes them.
 *
 * - A key is queued at most once, however often it is added.
 * - A key is handed to one worker at a time, from `get` to `done`; added in between, it is handed out again after
 *   `done`.
 * - A key has at most one pending wait, the earliest asked for. `add` ends the wait: the key is due now.
 * - A key has the highest priority that was asked for since it was handed out, with or without a wait.
 * - Of the keys that are due, those of the highest priority come first. Each priority that has some gets at least one
 *   of any ten hand-outs to workers that take all. Within a priority namespaces take turns, one key each, and within a
 *   namespace the key that came first is first: behind n keys of its own namespace, a key waits for at most n + 1
 *   keys of each other namespace.
 * - After `shutDown` nothing more is handed out: who rebuilds its state from the API server loses nothing by that.
 */
export class WorkQueue {
  readonly #backoff: BackoffRange;
  readonly #random: () => number;
  readonly #observer: QueueObserver | undefined;
  readonly #wanted = new Map<string, Wanted>();
  /** Keys that are due and not with a worker. */
  #ready = new Levels();
  readonly #processing = new Map<string, Priority>();
  readonly #failures = new Map<string, number>();
  /** Waiting workers, by the lowest priority that they take. */
  readonly #workers: Record<Priority, Worker[]> = { user: [], event: [], backlog: [] };
  readonly #drained = Promise.withResolvers<void>();
  #closed = false;

  constructor(options: QueueOptions = {}) {
    this.#backoff = options.backoff ?? { baseMs: 100, capMs: 300_000 };
    this.#random = options.random ?? Math.random;
    this.#observer = options.observer;
  }

  /** Keys that are due and not handed out. */
  get length(): number {
    return this.#ready.size;
  }

  add(key: string, priority: Priority = 'event'): void {
    if (this.#closed) return;
    const wanted = this.#wanted.get(key);
    if (wanted === undefined) this.#due(key, priority);
    else if (wanted.wait === undefined) this.#raise(key, wanted, priority);
    else {
      clearTimeout(wanted.wait.timer);
      this.#due(key, higher(wanted.priority, priority));
    }
  }

  /** Adds the key after `ms`, or earlier when an earlier wait is pending; a key that is due stays so. */
  addAfter(key: string, ms: number, priority: Priority = 'event'): void {
    if (this.#closed) return;
    if (ms <= 0) {
      this.add(key, priority);
      return;
    }
    const wanted = this.#wanted.get(key);
    const dueAt = performance.now() + ms;
    if (wanted !== undefined && (wanted.wait === undefined || wanted.wait.dueAt <= dueAt)) {
      this.#raise(key, wanted, priority);
      return;
    }
    clearTimeout(wanted?.wait?.timer);
    const timer = setTimeout(() => this.add(key, priority), Math.min(ms, longestTimerMs));
    const highest = wanted === undefined ? priority : higher(wanted.priority, priority);
    this.#wanted.set(key, { priority: highest, wait: { dueAt, timer } });
  }

  /**
   * Adds the key after a wait that doubles with every call until `forget`; answers with the wait in ms. A key that is
   * with a worker comes back with the priority that it has there: whoever waits for it still does, and nobody else
   * does now.
   */
  addRateLimited(key: string, atLeastMs = 0): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    const ms = Math.max(atLeastMs, backoffMs(failures, this.#backoff, this.#random));
    this.addAfter(key, ms, this.#processing.get(key));
    this.#observer?.retried(key);
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

  /**
   * The next key of this priority or a higher one, when there is one; undefined once the queue is shut down. Every key
   * needs its `done`.
   */
  get(lowest: Priority = 'backlog'): Promise<string | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    const key = this.#ready.take(lowest);
    if (key !== undefined) {
      this.#handOut(key);
      return Promise.resolve(key);
    }
    return new Promise((resolve) => {
      this.#workers[lowest].push(resolve);
    });
  }

  done(key: string): void {
    if (!this.#processing.delete(key)) return;
    this.#observer?.done(key);
    const wanted = this.#wanted.get(key);
    if (wanted !== undefined && wanted.wait === undefined) this.#offer(key, wanted.priority);
    if (this.#closed && this.#processing.size === 0) this.#drained.resolve();
  }

  /** Drops what is queued and waiting, lets workers go, and resolves when every handed-out key is done. */
  shutDown(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      for (const { wait } of this.#wanted.values()) clearTimeout(wait?.timer);
      this.#wanted.clear();
      this.#ready = new Levels();
      for (const workers of Object.values(this.#workers))
        for (const worker of workers.splice(0)) worker(undefined);
      if (this.#processing.size === 0) this.#drained.resolve();
    }
    return this.#drained.promise;
  }

  #due(key: string, priority: Priority): void {
    this.#wanted.set(key, { priority });
    this.#observer?.due(key, priority);
    if (!this.#processing.has(key)) this.#offer(key, priority);
  }

  #raise(key: string, wanted: Wanted, priority: Priority): void {
    if (!isHigher(priority, wanted.priority)) return;
    const isReady = wanted.wait === undefined && !this.#processing.has(key);
    if (isReady) this.#ready.delete(key, wanted.priority);
    wanted.priority = priority;
    if (wanted.wait === undefined) this.#observer?.raised(key, priority);
    if (isReady) this.#offer(key, priority);
  }

  /** Gives the key to a worker that waits, the choosiest first that takes it, or puts it in line. */
  #offer(key: string, priority: Priority): void {
    const lowest = priorities.find((each) => this.#workers[each].length > 0 && !isHigher(each, priority));
    const worker = lowest && this.#workers[lowest].shift();
    if (worker === undefined) {
      this.#ready.add(key, priority);
      return;
    }
    this.#handOut(key);
    worker(key);
  }

  #handOut(key: string): void {
    this.#processing.set(key, this.#wanted.get(key)?.priority ?? 'event');
    this.#wanted.delete(key);
    this.#observer?.handedOut(key);
  }
}
