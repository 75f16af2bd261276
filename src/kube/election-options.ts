import { sleep } from './backoff.ts';
import type { Sleep } from './backoff.ts';

export interface ElectionTiming {
  /** How long a leader that is not heard of is left in peace. Whole seconds, as the Lease has them. */
  leaseSeconds: number;
  /**
   * How long after its last renewal a leader goes on at most. The rest of the lease is the margin for writes on their
   * way, and their ratio is how much faster one machine's clock may run than another's.
   */
  renewSeconds: number;
  /** Between renewals. Others look at the lease after half of it and up to a fifth more. */
  retrySeconds: number;
}

/** What core components of Kubernetes use. */
export const defaultTiming: ElectionTiming = { leaseSeconds: 15, renewSeconds: 10, retrySeconds: 2 };

/** The part of a wait that may be added to it, so that candidates do not come all at once. */
const jitter = 0.2;

/** Throws a TypeError that says which one makes no sense. */
export function electionTiming(chosen: Partial<ElectionTiming> = {}): ElectionTiming {
  const timing = { ...defaultTiming, ...chosen };
  const { leaseSeconds, renewSeconds, retrySeconds } = timing;
  const wrong = (problem: string): never => {
    throw new TypeError(`leader election: ${problem} (${JSON.stringify(timing)})`);
  };
  if (!Number.isInteger(leaseSeconds) || leaseSeconds < 1) wrong('leaseSeconds is a whole number above 0');
  if (!(retrySeconds > 0)) wrong('retrySeconds is above 0');
  if (!(renewSeconds < leaseSeconds)) wrong('renewSeconds is less than leaseSeconds');
  if (!(renewSeconds > retrySeconds * (1 + jitter)))
    wrong('renewSeconds is more than 1.2 times retrySeconds');
  return timing;
}

export interface ElectionClock {
  /** Milliseconds of a clock that only runs forward, and runs also while the process is stopped. */
  now: () => number;
  /** For the times in the Lease, by which nothing is decided. */
  date: () => Date;
  sleep: Sleep;
  random: () => number;
}

export const systemClock: ElectionClock = {
  now: () => performance.now(),
  date: () => new Date(),
  sleep,
  random: Math.random,
};

export function jittered(ms: number, random: () => number): number {
  return ms * (1 + random() * jitter);
}
