import { setImmediate as afterInput } from 'node:timers/promises';
import { ApiError, isConflict } from './errors.ts';
import { formatKey, parseKey } from './kind.ts';
import type { Key, Ref } from './kind.ts';
import type { Log } from './log.ts';
import type { Priority } from './priority.ts';
import { WorkQueue } from './queue.ts';
import type { QueueObserver, QueueOptions } from './queue.ts';

export interface ReconcileResult {
  /** Seconds until the key is looked at again even if nothing happens. */
  recheckAfter?: number | undefined;
}

/**
 * Brings the world closer to what the object named by `key` asks for. It is called again after it threw, so it must
 * be safe to repeat. The signal is aborted when it has taken too long; it should then reject soon.
 */
export type Reconcile = (key: Key, signal: AbortSignal) => Promise<ReconcileResult | void>;

/** `requeue_after`: it asked to be looked at again. `requeue`: it met a newer object and comes back by itself. */
export type ReconcileEnd = 'success' | 'requeue_after' | 'requeue' | 'error';

/** Told of each reconcile; must not throw. */
export interface ControllerObserver {
  /** How many may run at once. */
  workers(count: number): void;
  began(): void;
  ended(result: ReconcileEnd, seconds: number): void;
}

export interface ControllerOptions {
  /** In log lines and metrics. */
  name: string;
  reconcile: Reconcile;
  log: Log;
  /** Reconciles at the same time, never two of one key; default 1. */
  concurrency?: number | undefined;
  /**
   * Further reconciles at the same time, for what somebody waits for and nothing else; default 0. They begin at once,
   * all others when the event loop has looked for input: a burst of events holds up nobody for longer than it is read.
   */
  reserved?: number | undefined;
  queue?: Pick<QueueOptions, 'backoff' | 'random'> | undefined;
  observe?: ((name: string) => { queue: QueueObserver; controller: ControllerObserver }) | undefined;
  /** Nothing is reconciled before these have synced: a half-full cache looks like deleted objects. */
  caches?: readonly { synced(): Promise<void> }[] | undefined;
  /** When a reconcile's signal is aborted; default 2 min. */
  timeoutMs?: number | undefined;
  /** How long running reconciles get after the stop until their signals are aborted; default 10 s. */
  stopGraceMs?: number | undefined;
}

/**
 * Takes keys off a queue and reconciles them. A success ends the key's backoff; an error is logged and the key comes
 * back after its backoff, and not before the server's Retry-After.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #queue: WorkQueue;
  readonly #observer: ControllerObserver | undefined;
  readonly #running = new Set<AbortController>();

  constructor(options: ControllerOptions) {
    this.#options = options;
    const observers = options.observe?.(options.name);
    this.#queue = new WorkQueue({ ...options.queue, observer: observers?.queue });
    this.#observer = observers?.controller;
  }

  enqueue(key: Ref, priority: Priority = 'event'): void {
    this.#queue.add(formatKey(key), priority);
  }

  enqueueAfter(key: Ref, seconds: number): void {
    this.#queue.addAfter(formatKey(key), seconds * 1000);
  }

  /** Runs until the signal is aborted; resolves when the reconciles that were running have ended. */
  async start(signal: AbortSignal): Promise<void> {
    const { name, log, concurrency = 1, reserved = 0, caches = [], stopGraceMs = 10_000 } = this.#options;
    this.#observer?.workers(concurrency + reserved);
    const stopped = Promise.withResolvers<void>();
    let grace: NodeJS.Timeout | undefined;
    const stop = (): void => {
      grace = setTimeout(() => this.#abortAll(new Error(`${name}: stopping`)), stopGraceMs);
      void this.#queue.shutDown().then(stopped.resolve);
    };
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });

    await Promise.race([Promise.all(caches.map((cache) => cache.synced())), stopped.promise]);
    if (!signal.aborted) log.info({ controller: name, concurrency, reserved }, 'controller started');
    await Promise.all([
      ...Array.from({ length: concurrency }, () => this.#work('backlog')),
      ...Array.from({ length: reserved }, () => this.#work('user')),
    ]);
    await stopped.promise;
    clearTimeout(grace);
    log.info({ controller: name }, 'controller stopped');
  }

  /** Reconciles keys of this priority or a higher one until the queue is shut down. */
  async #work(lowest: Priority): Promise<void> {
    for (;;) {
      const text = await this.#queue.get(lowest);
      if (text === undefined) return;
      if (lowest !== 'user') await afterInput();
      const beganAt = performance.now();
      let result: ReconcileEnd = 'error';
      this.#observer?.began();
      try {
        result = await this.#reconcile(text);
      } finally {
        this.#observer?.ended(result, (performance.now() - beganAt) / 1000);
        this.#queue.done(text);
      }
    }
  }

  async #reconcile(text: string): Promise<ReconcileEnd> {
    const { name, log, reconcile, timeoutMs = 120_000 } = this.#options;
    const key = parseKey(text);
    const running = new AbortController();
    this.#running.add(running);
    const timer = setTimeout(() => running.abort(new Error(`${name}: ${text} took too long`)), timeoutMs);
    try {
      const result = await reconcile(key, running.signal);
      this.#queue.forget(text);
      if (result?.recheckAfter === undefined) return 'success';
      this.#queue.addAfter(text, result.recheckAfter * 1000);
      return 'requeue_after';
    } catch (error) {
      const retryAfterMs = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
      const waitMs = this.#queue.addRateLimited(text, retryAfterMs);
      const fields = { controller: name, ...key, failures: this.#queue.failures(text), waitMs, err: error };
      // A conflict means that the cache was behind: the next attempt sees the newer object.
      if (isConflict(error)) {
        log.debug(fields, 'reconcile met a newer object');
        return 'requeue';
      }
      log.error(fields, 'reconcile failed');
      return 'error';
    } finally {
      clearTimeout(timer);
      this.#running.delete(running);
    }
  }

  #abortAll(reason: Error): void {
    for (const running of this.#running) running.abort(reason);
  }
}
