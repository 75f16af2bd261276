import { setTimeout as delay } from 'node:timers/promises';
import { ApiError } from './errors.ts';

export interface BackoffRange {
  /** The longest wait after the first failure. */
  baseMs: number;
  capMs: number;
}

/**
 * How long to wait after `failures` failures in a row (1 is the first): doubles from the base to the cap, less a
 * random part of up to one half so that many waiters do not come back together.
 */
export function backoffMs(failures: number, range: BackoffRange, random: () => number): number {
  const full = Math.min(range.capMs, range.baseMs * 2 ** Math.min(failures - 1, 52));
  return full * (1 - random() / 2);
}

/** Resolves after `ms`; rejects with the reason of the signal when it is aborted first. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

export const sleep: Sleep = async (ms, signal) => {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    // Its own is an AbortError, whatever the reason was.
    signal?.throwIfAborted();
    throw error;
  });
};

export interface RetryPolicy {
  /** How often a request is sent again at most. */
  retries: number;
  /** A server that asks for a longer wait than this is not waited for: the caller gets the error. */
  longestWaitMs: number;
  sleep: Sleep;
}

/**
 * Sends a request again when the server says that it did not take it and when to come back: 429, or 503 with
 * Retry-After. Nothing else is repeated, since it may have been carried out.
 */
export async function withRetries<R>(
  send: () => Promise<R>,
  policy: RetryPolicy,
  signal?: AbortSignal,
): Promise<R> {
  for (let retry = 0; ; retry += 1) {
    try {
      return await send();
    } catch (error) {
      const waitMs = askedToWaitMs(error);
      if (waitMs === undefined || retry >= policy.retries || waitMs > policy.longestWaitMs) throw error;
      await policy.sleep(waitMs, signal);
    }
  }
}

function askedToWaitMs(error: unknown): number | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.status === 429) return (error.retryAfterSeconds ?? 1) * 1000;
  if (error.status === 503 && error.retryAfterSeconds !== undefined) return error.retryAfterSeconds * 1000;
  return undefined;
}
