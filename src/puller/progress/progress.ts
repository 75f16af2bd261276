import type { PullerProgress } from '../../protocols/puller.ts';

type Phase = PullerProgress['phase'];

/** Milliseconds of a clock that never goes back. */
export type Clock = () => number;

export interface ProgressTracker {
  enter(phase: Phase): void;
  /** How many bytes of how many are on the volume already, from earlier pods. */
  begin(onVolume: number, total: number): void;
  /** Bytes that came over the network, wanted or not. */
  received(bytes: number): void;
  /** Bytes that are on the volume now and were not before; fewer than none when another pull has taken some away. */
  wrote(bytes: number): void;
  /** Bytes that were thrown away; the count stands still until they are written again. */
  discarded(bytes: number): void;
  /** Something had to be asked for again. */
  retried(cause: RetryCause): void;
  /** A connection began, or ended. */
  connected(change: 1 | -1): void;
  /** A wait for another pull began, or ended. */
  waiting(change: 1 | -1): void;
  read(): PullerProgress;
  /** Totals since this process began. */
  counts(): ProgressCounts;
}

export const retryCauses = ['connection', 'rate-limited', 'slow', 'content'] as const;
export type RetryCause = (typeof retryCauses)[number];

export interface ProgressCounts {
  readonly receivedBytes: number;
  readonly discardedBytes: number;
  /** At this moment. */
  readonly connections: number;
  readonly retries: Readonly<Record<RetryCause, number>>;
}

/** Time in which a change of speed is two thirds visible. */
const smoothingMs = 5_000;
const sampleMs = 500;

/** Counts the bytes of a pull. What it says never goes back, and its rate is of bytes received, not of those found. */
export function trackProgress(now: Clock): ProgressTracker {
  let phase: Phase = 'starting';
  let total = 0;
  let written = 0;
  let highest = 0;
  let rate: number | undefined;
  let sampleStart = now();
  let sampleBytes = 0;
  let receivedBytes = 0;
  let discardedBytes = 0;
  let connections = 0;
  let waits = 0;
  const retries: Record<RetryCause, number> = { connection: 0, 'rate-limited': 0, slow: 0, content: 0 };

  /** An exponentially weighted moving average over samples of unequal length. */
  function sample(): void {
    const elapsed = now() - sampleStart;
    if (elapsed < sampleMs) return;
    const current = (sampleBytes / elapsed) * 1000;
    const weight = 1 - Math.exp(-elapsed / smoothingMs);
    rate = rate === undefined ? current : rate + weight * (current - rate);
    sampleStart = now();
    sampleBytes = 0;
  }

  return {
    enter(next) {
      if (next === 'downloading' && phase !== 'downloading') {
        sampleStart = now();
        sampleBytes = 0;
      }
      phase = next;
    },
    begin(onVolume, expected) {
      total = expected;
      written = onVolume;
      highest = Math.max(highest, written);
    },
    received(bytes) {
      receivedBytes += bytes;
      sampleBytes += bytes;
      sample();
    },
    wrote(bytes) {
      written += bytes;
      highest = Math.min(total, Math.max(highest, written));
    },
    discarded(bytes) {
      written -= bytes;
      discardedBytes += bytes;
    },
    retried(cause) {
      retries[cause] += 1;
    },
    connected(change) {
      connections += change;
    },
    waiting(change) {
      waits += change;
    },
    read() {
      const progress = { phase, downloadedBytes: highest, totalBytes: total };
      if (phase !== 'downloading') return progress;
      // Everything is here, and some of it is still being hashed.
      if (written >= total) return { ...progress, phase: 'verifying' };
      if (waits > 0 && connections === 0) return { ...progress, phase: 'waiting' };
      sample();
      if (rate === undefined) return progress;
      const left = total - highest;
      return {
        ...progress,
        bytesPerSecond: Math.round(rate),
        ...(rate >= 1 ? { secondsLeft: Math.ceil(left / rate) } : {}),
      };
    },
    counts: () => ({ receivedBytes, discardedBytes, connections, retries: { ...retries } }),
  };
}
