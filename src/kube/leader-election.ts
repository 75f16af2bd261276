import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { Candidate } from './candidate.ts';
import type { KubeClient } from './client.ts';
import { electionTiming, jittered, systemClock } from './election-options.ts';
import type { ElectionClock, ElectionTiming } from './election-options.ts';
import { ApiError, isConflict } from './errors.ts';
import type { EventRecorder } from './events.ts';
import { NotLeaderError } from './fence.ts';
import type { Fence } from './fence.ts';
import { formatKey } from './kind.ts';
import type { Key } from './kind.ts';
import type { Log } from './log.ts';

export interface LeaderElectionOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'patch'>;
  /** Names the Lease, which is made when it does not exist. */
  lease: Key;
  log: Log;
  /** The part of the identity that tells people something; default the host's name, which is the pod's. */
  instance?: string | undefined;
  /** Told when this process becomes the leader. */
  events?: Pick<EventRecorder, 'record'> | undefined;
  timing?: Partial<ElectionTiming> | undefined;
  clock?: Partial<ElectionClock> | undefined;
}

/**
 * Candidacy for one coordination.k8s.io/v1 Lease, by the rules of client-go's tools/leaderelection, and the fence that
 * these lack. Of all candidates at most one passes `check` at a time:
 *
 * - A leader passes until `renewSeconds` after it sent the last renewal that succeeded. Others take the lease when they
 *   have seen no renewal for `leaseSeconds`, which begin later and last longer. Each counts by its own monotonic clock:
 *   what the dates in the Lease say does not matter, and clocks may differ in speed by leaseSeconds : renewSeconds.
 * - performance.now goes on while a process is stopped (SIGSTOP, a frozen cgroup). On Linux it does not while the whole
 *   machine is suspended, nor always in a virtual machine that is paused: a leader that wakes there takes itself for
 *   one until its next renewal is refused, at most `retrySeconds` later.
 * - Nobody but the candidates may delete the Lease. Those who saw it wait until its holder has given up, but one that
 *   starts afterwards cannot know of a holder.
 */
export class LeaderElection implements Fence {
  /** Another one for every process: a restarted one must not be taken for the one before. */
  readonly identity: string;
  readonly #options: LeaderElectionOptions;
  readonly #timing: ElectionTiming;
  readonly #clock: ElectionClock;
  readonly #candidate: Candidate;
  readonly #acquired = Promise.withResolvers<void>();
  readonly #ended = new AbortController();

  /** Throws a TypeError when the timing makes no sense. */
  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#timing = electionTiming(options.timing);
    this.#clock = { ...systemClock, ...options.clock };
    this.identity = `${options.instance ?? hostname()}_${randomUUID()}`;
    this.#candidate = new Candidate({
      client: options.client,
      lease: options.lease,
      identity: this.identity,
      leaseSeconds: this.#timing.leaseSeconds,
      clock: this.#clock,
      onHolder: (holder) => this.#sawHolder(holder),
    });
  }

  /** Resolves when this process leads; until then it is pending, for good when it was stopped before. */
  get acquired(): Promise<void> {
    return this.#acquired.promise;
  }

  get lost(): AbortSignal {
    return this.#ended.signal;
  }

  /** The identity of the leader as far as is known, which may be this process's own. */
  get leader(): string | undefined {
    return this.#candidate.holder;
  }

  get isLeader(): boolean {
    return !this.lost.aborted && this.#leadsForMs() > 0;
  }

  check(): void {
    if (!this.isLeader) throw this.#notLeader();
  }

  /**
   * Waits for the lease and holds it until the signal is aborted, then releases it and resolves. What is done under the
   * lease must have ended by then: the next leader begins at once. Rejects with NotLeaderError when leadership is lost:
   * the process should end, and start again as a follower. To be called once.
   */
  async start(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    log.info(this.#fields(), 'waiting for the lease');
    if (await this.#acquire(signal)) {
      const { held } = this.#candidate;
      log.info({ ...this.#fields(), transitions: held?.spec?.leaseTransitions }, 'became leader');
      const note = `${this.identity} became leader`;
      if (held) this.#options.events?.record(held, { type: 'Normal', reason: 'LeaderElection', note });
      this.#acquired.resolve();
      await this.#hold(signal).catch((error: unknown) => {
        this.#ended.abort(error);
        throw error;
      });
    }
    this.#ended.abort(new NotLeaderError(`${this.#name()}: given up by this process`));
    await this.#release();
  }

  /** Resolves with false when the signal was aborted first. */
  async #acquire(signal: AbortSignal): Promise<boolean> {
    const { retrySeconds, renewSeconds } = this.#timing;
    for (let failures = 0; !signal.aborted;) {
      let waitMs = retrySeconds * 1000;
      try {
        const took = await this.#within(renewSeconds * 500, signal, (each) =>
          this.#candidate.tryToTake(each),
        );
        // An answer may come so late that it is worth nothing any more.
        if (took && this.isLeader) return true;
        failures = 0;
        // More often than a leader renews: a lease that is released is taken within two seconds.
        waitMs = Math.min(waitMs / 2, this.#candidate.freeInMs);
      } catch (error) {
        if (signal.aborted) return false;
        if (!isConflict(error)) failures += 1;
        this.#logFailure(error, failures);
      }
      await this.#sleep(jittered(waitMs, this.#clock.random), signal);
    }
    return false;
  }

  /** Resolves when the signal is aborted; rejects with NotLeaderError. */
  async #hold(signal: AbortSignal): Promise<void> {
    const { retrySeconds, renewSeconds } = this.#timing;
    for (let failure: unknown; ;) {
      await this.#sleep(Math.min(retrySeconds * 1000, Math.ceil(this.#leadsForMs())), signal);
      if (signal.aborted) return;
      if (!this.isLeader) throw this.#notLeader(failure);
      // Half of it at most: one request that hangs leaves room for another.
      const mostMs = Math.min(renewSeconds * 500, this.#leadsForMs());
      try {
        await this.#within(mostMs, signal, (each) => this.#candidate.tryToRenew(each));
        failure = undefined;
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof NotLeaderError) throw error;
        failure = error;
        const fields = { ...this.#fields(), leadsForMs: Math.round(this.#leadsForMs()), err: error };
        this.#options.log.warn(fields, 'lease was not renewed');
      }
    }
  }

  async #release(): Promise<void> {
    const { log } = this.#options;
    try {
      const mostMs = this.#timing.renewSeconds * 500;
      const released = await this.#within(mostMs, undefined, (each) => this.#candidate.release(each));
      if (released) log.info(this.#fields(), 'lease released');
    } catch (error) {
      const fields = { ...this.#fields(), err: error };
      log.warn(fields, 'lease was not released: the next leader waits until it has run out');
    }
  }

  #sawHolder(holder: string | undefined): void {
    if (holder === this.identity) return;
    const { log } = this.#options;
    if (holder === undefined) log.info(this.#fields(), 'nobody leads');
    else log.info({ ...this.#fields(), leader: holder }, `new leader: ${holder}`);
  }

  /** A warning when failures begin, and each minute or so: nothing else tells that a right is missing. */
  #logFailure(error: unknown, failures: number): void {
    const { log } = this.#options;
    const fields = { ...this.#fields(), failures, err: error };
    if (isConflict(error)) log.debug(fields, 'another candidate was faster');
    else if (failures % 30 === 1) log.warn(fields, 'no look at the lease');
    else log.debug(fields, 'still no look at the lease');
  }

  #notLeader(cause?: unknown): NotLeaderError {
    return new NotLeaderError(this.#whyNot(), cause === undefined ? undefined : { cause });
  }

  #whyNot(): string {
    if (this.lost.aborted) return (this.lost.reason as Error).message;
    if (this.#candidate.held) return `${this.#name()}: not renewed for ${this.#timing.renewSeconds} s`;
    return `${this.#name()}: ${this.leader === undefined ? 'not taken yet' : `held by ${this.leader}`}`;
  }

  #leadsForMs(): number {
    const until = this.#candidate.heldFrom + this.#timing.renewSeconds * 1000;
    return Math.max(0, until - this.#clock.now());
  }

  #name(): string {
    return `lease ${formatKey(this.#options.lease)}`;
  }

  #fields(): object {
    return { lease: formatKey(this.#options.lease), identity: this.identity };
  }

  /** Resolves also when the signal is aborted. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(ms, signal).catch(() => {});
  }

  /** Aborts what runs when it takes longer. */
  async #within<R>(
    ms: number,
    outer: AbortSignal | undefined,
    run: (signal: AbortSignal) => Promise<R>,
  ): Promise<R> {
    const late = new AbortController();
    const done = new AbortController();
    const message = `${this.#name()}: no answer for ${ms / 1000} s`;
    this.#clock.sleep(ms, done.signal).then(
      () => late.abort(new ApiError({ status: 0, reason: 'Timeout', message })),
      () => {},
    );
    try {
      return await run(outer === undefined ? late.signal : AbortSignal.any([outer, late.signal]));
    } finally {
      done.abort();
    }
  }
}
