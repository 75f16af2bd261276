import { leases } from './builtin.ts';
import type { Lease } from './builtin.ts';
import type { KubeClient } from './client.ts';
import { isConflict, isNotFound } from './errors.ts';
import type { ElectionClock } from './election-options.ts';
import { NotLeaderError } from './fence.ts';
import { formatKey } from './kind.ts';
import type { Key, Live } from './kind.ts';
import { freeInMs, holderOf, observe, released, renewed, taken } from './lease.ts';
import type { Holding, LeaseSpec, Observation } from './lease.ts';

export interface CandidateOptions {
  client: Pick<KubeClient, 'get' | 'create' | 'patch'>;
  lease: Key;
  /** Of this candidate alone, among all that ever were. */
  identity: string;
  leaseSeconds: number;
  clock: Pick<ElectionClock, 'now' | 'date'>;
  /** Called when the lease is seen to be another's than before, or nobody's. */
  onHolder: (holder: string | undefined) => void;
}

/**
 * What one candidate does with a Lease, one try at a time. Every write is conditional on the version of the Lease that
 * it was decided by. A write that seemed to fail may have been carried out: the next try finds out.
 */
export class Candidate {
  readonly #options: CandidateOptions;
  #held: Live<Lease> | undefined;
  #heldFrom = Number.NEGATIVE_INFINITY;
  #observation: Observation | undefined;
  #mayHold = false;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  /** The Lease as this candidate last wrote it. */
  get held(): Live<Lease> | undefined {
    return this.#held;
  }

  /** Monotonic time at which the last write that succeeded was sent: nobody else counts from an earlier one. */
  get heldFrom(): number {
    return this.#heldFrom;
  }

  /** Who holds the lease as far as is known. */
  get holder(): string | undefined {
    return this.#observation?.holder;
  }

  /** Milliseconds until the lease may be taken if nothing changes. */
  get freeInMs(): number {
    return this.#observation === undefined ? 0 : freeInMs(this.#observation, this.#options.clock.now());
  }

  /** Resolves with whether the lease was taken. */
  async tryToTake(signal: AbortSignal): Promise<boolean> {
    const lease = await this.#read(signal);
    // A write that seemed to have failed: nobody else has held the lease since.
    if (lease !== undefined && holderOf(lease) === this.#options.identity) {
      await this.#renew(lease, signal);
      return true;
    }
    if (this.freeInMs > 0) return false;
    await this.#write(lease, (holding) => taken(lease, holding), signal);
    return true;
  }

  /** Rejects with NotLeaderError when the lease is no longer this candidate's. */
  async tryToRenew(signal: AbortSignal): Promise<void> {
    const held = this.#held;
    if (held === undefined) throw new NotLeaderError(`${this.#name()}: never taken`);
    try {
      return await this.#renew(held, signal);
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
    const lease = await this.#read(signal);
    // Deleted: made again as it was. Whoever saw it before waits for as long as if it were still there.
    if (lease === undefined) return this.#write(undefined, (holding) => renewed(held, holding), signal);
    if (holderOf(lease) === this.#options.identity) return this.#renew(lease, signal);
    throw new NotLeaderError(`${this.#name()}: now held by ${holderOf(lease) ?? 'nobody'}`);
  }

  /** Leaves the lease to whoever comes first; resolves with false when it was not this candidate's. */
  async release(signal: AbortSignal): Promise<boolean> {
    if (!this.#mayHold) return false;
    // Once more when a renewal that was on its way came between.
    return this.#clear(signal).catch((error: unknown) =>
      isConflict(error) ? this.#clear(signal) : Promise.reject(error as Error),
    );
  }

  async #clear(signal: AbortSignal): Promise<boolean> {
    const { client, lease: key, identity, clock } = this.#options;
    const lease = await this.#read(signal);
    if (lease === undefined || holderOf(lease) !== identity) return false;
    await client.patch(leases, key, versioned(lease, released(lease, clock.date())), { signal });
    return true;
  }

  #renew(lease: Live<Lease>, signal: AbortSignal): Promise<void> {
    return this.#write(lease, (holding) => renewed(lease, holding), signal);
  }

  /** Makes the Lease, or changes the version of it that was seen. */
  async #write(
    seen: Live<Lease> | undefined,
    spec: (holding: Holding) => LeaseSpec,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, lease: key, identity, leaseSeconds, clock } = this.#options;
    const desired = spec({ identity, leaseSeconds, date: clock.date() });
    this.#mayHold = true;
    // Before it is sent: others may see it at any time from here on.
    const sentAt = clock.now();
    const written =
      seen === undefined
        ? await client.create(leases, { metadata: { ...key }, spec: desired }, { signal })
        : await client.patch(leases, key, versioned(seen, desired), { signal });
    this.#held = written;
    this.#heldFrom = sentAt;
    this.#observe(written);
  }

  async #read(signal: AbortSignal): Promise<Live<Lease> | undefined> {
    const { client, lease: key } = this.#options;
    const lease = await client.get(leases, key, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
    this.#observe(lease);
    return lease;
  }

  #observe(lease: Live<Lease> | undefined): void {
    const { leaseSeconds, clock, onHolder } = this.#options;
    const before = this.holder;
    this.#observation = observe(this.#observation, lease, { now: clock.now(), leaseMs: leaseSeconds * 1000 });
    if (this.holder !== before) onHolder(this.holder);
  }

  #name(): string {
    return `lease ${formatKey(this.#options.lease)}`;
  }
}

function versioned(seen: Live<Lease>, spec: LeaseSpec): object {
  return { metadata: { resourceVersion: seen.metadata.resourceVersion }, spec };
}
