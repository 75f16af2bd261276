import type { PullerProgress } from '../protocols/puller.ts';

type Phase = PullerProgress['phase'];

/** Milliseconds of a clock that never goes back. */
export type Clock = () => number;

export interface ProgressTracker {
  enter(phase: Phase): void;
  /** How many bytes of how many are on the volume already, from earlier pods. */
  begin(onVolume: number, total: number): void;
  /** Bytes that were received and written. */
  wrote(bytes: number): void;
  /** Bytes that were thrown away; the count stands still until they are written again. */
  discarded(bytes: number): void;
  read(): PullerProgress;
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
    wrote(bytes) {
      written += bytes;
      highest = Math.min(total, Math.max(highest, written));
      sampleBytes += bytes;
      sample();
    },
    discarded(bytes) {
      written -= bytes;
    },
    read() {
      const progress = { phase, downloadedBytes: highest, totalBytes: total };
      if (phase !== 'downloading') return progress;
      sample();
      if (rate === undefined) return progress;
      const left = total - highest;
      return {
        ...progress,
        bytesPerSecond: Math.round(rate),
        ...(rate >= 1 ? { secondsLeft: Math.ceil(left / rate) } : {}),
      };
    },
  };
}
