import { header, type HttpHeaders } from './http.ts';
import { isTransient } from '../source.ts';

/** How failures that may pass are waited out. */
export interface Patience {
  /** Tries in a row without any progress, before giving up. */
  readonly tries: number;
  /** Resolves after so many milliseconds; rejects when the puller is stopped. */
  readonly sleep: (ms: number) => Promise<void>;
  /** At least 0, less than 1. */
  readonly random: () => number;
}

const firstWaitMs = 500;
const longestWaitMs = 30_000;
/** A source that asks for more rest than this is left to the next Job. */
const longestRestMs = 60_000;

/**
 * How long to wait after a number of failures in a row: exponential with full jitter, so that pullers that failed
 * together do not come back together, and no less than the source asked for.
 */
export function waitMs(failures: number, random: () => number, retryAfterSeconds = 0): number {
  const backoff = Math.min(longestWaitMs, firstWaitMs * 2 ** (failures - 1)) * random();
  return Math.max(backoff, Math.min(retryAfterSeconds * 1000, longestRestMs));
}

/** Repeats an action while it fails with what may pass, and at the end with its last failure. */
export async function retrying<T>(action: () => Promise<T>, { tries, sleep, random }: Patience): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await action();
    } catch (error) {
      if (!isTransient(error) || failures >= tries) throw error;
      await sleep(waitMs(failures, random, error.retryAfterSeconds));
    }
  }
}

/**
 * For how many seconds a source asks to be left alone: `Retry-After: 12`, a date there, which counts from the date of the
 * answer so that two clocks need not agree, or the hub's `RateLimit: "api";r=0;t=55`.
 */
export function restSeconds(headers: HttpHeaders): number | undefined {
  const retryAfter = header(headers, 'retry-after') ?? '';
  if (/^\d{1,6}$/.test(retryAfter)) return Number(retryAfter);
  const until = /^[A-Za-z]{3,9},? /.test(retryAfter) ? Date.parse(retryAfter) : Number.NaN;
  if (!Number.isNaN(until)) {
    const sent = Date.parse(header(headers, 'date') ?? '');
    return Math.max(0, Math.ceil((until - (Number.isNaN(sent) ? Date.now() : sent)) / 1000));
  }
  const window = /;\s*t=(\d{1,6})\b/.exec(header(headers, 'ratelimit') ?? '');
  return window === null ? undefined : Number(window[1]);
}
