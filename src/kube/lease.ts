import type { Lease } from './builtin.ts';
import { microTime } from './events.ts';
import type { Live } from './kind.ts';

export type LeaseSpec = NonNullable<Lease['spec']>;

/** The identity of who holds it; undefined when it is free to take at once. */
export function holderOf(lease: Lease): string | undefined {
  return lease.spec?.holderIdentity || undefined;
}

/**
 * What a candidate knows of a lease from looking at it. Times in a lease are those of its holder's clock and are never
 * compared with one's own: what counts is for how long, by the candidate's monotonic clock, it has not changed.
 */
export interface Observation {
  /**
   * The version of the lease: every write makes another one. Its times are not enough to tell that it was renewed, for a
   * clock that was set back writes one again. Who annotates a lease thereby keeps it from being taken for a while.
   */
  readonly version: string;
  readonly holder: string | undefined;
  /** How long the holder may go without renewal. */
  readonly leaseMs: number;
  /** Monotonic time at which this version was seen first. */
  readonly since: number;
}

/**
 * The next observation. `lease` is undefined when there is none: of one that was there before, the holder is believed
 * to hold it as if it had renewed it just before it was deleted.
 */
export function observe(
  before: Observation | undefined,
  lease: Live<Lease> | undefined,
  { now, leaseMs }: { now: number; leaseMs: number },
): Observation {
  const version = lease?.metadata.resourceVersion ?? 'absent';
  if (version === before?.version) return before;
  if (lease === undefined) {
    return { version, holder: before?.holder, leaseMs: before?.leaseMs ?? leaseMs, since: now };
  }
  // The holder's own duration: with another one configured it may rely on more than this process would.
  const ownMs = (lease.spec?.leaseDurationSeconds ?? 0) * 1000;
  return { version, holder: holderOf(lease), leaseMs: ownMs || leaseMs, since: now };
}

/** Milliseconds after which another candidate may take the lease if nothing changes; 0 when it may now. */
export function freeInMs({ holder, leaseMs, since }: Observation, now: number): number {
  return holder === undefined ? 0 : Math.max(0, since + leaseMs - now);
}

/** By whom and how long a lease is held; the date is for people, and for others to see a change. */
export interface Holding {
  identity: string;
  leaseSeconds: number;
  date: Date;
}

/** `before` is what is there: another's expired or released lease, or nothing. */
export function taken(before: Lease | undefined, { identity, leaseSeconds, date }: Holding): LeaseSpec {
  const time = microTime(date);
  return {
    holderIdentity: identity,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: before === undefined ? 0 : (before.spec?.leaseTransitions ?? 0) + 1,
  };
}

export function renewed({ spec }: Lease, { identity, leaseSeconds, date }: Holding): LeaseSpec {
  const time = microTime(date);
  return {
    holderIdentity: identity,
    leaseDurationSeconds: leaseSeconds,
    acquireTime: spec?.acquireTime ?? time,
    // The API server makes nothing of a write that changes nothing, and nobody would see that the lease was renewed.
    renewTime: time === spec?.renewTime ? microTime(new Date(date.getTime() + 1)) : time,
    leaseTransitions: spec?.leaseTransitions ?? 0,
  };
}

/** As client-go leaves it: without holder, and with a duration because one is required to be above 0. */
export function released({ spec }: Lease, date: Date): LeaseSpec {
  const time = microTime(date);
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: time,
    renewTime: time,
    leaseTransitions: spec?.leaseTransitions ?? 0,
  };
}
