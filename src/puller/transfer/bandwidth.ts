import type { Clock } from '../progress/progress.ts';

/** Holds a pull to a rate. */
export interface Bandwidth {
  /** Resolves when so many bytes may have been received. Who reads slowly has the sender send slowly. */
  spend(bytes: number): Promise<void>;
}

/** What was not used of the last moment may be used now. */
const burstMs = 250;

/** @param bytesPerSecond Of all connections together; undefined for as fast as it goes. */
export function limitBandwidth(
  bytesPerSecond: number | undefined,
  now: Clock,
  sleep: (ms: number) => Promise<void>,
): Bandwidth {
  if (bytesPerSecond === undefined) return { spend: () => Promise.resolve() };
  let due = now();
  return {
    async spend(bytes) {
      due = Math.max(due, now() - burstMs) + (bytes / bytesPerSecond) * 1000;
      const wait = due - now();
      if (wait > 0) await sleep(wait);
    },
  };
}
