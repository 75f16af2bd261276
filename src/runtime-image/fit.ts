import type { MemoryFacts } from '../api/model-status.ts';

/** What a load needs and what there is, in bytes. */
export interface Fit {
  /** Where it has to fit. */
  place: 'memory' | 'GPU memory';
  free: number;
  weights: number;
  /** Of a context of so many tokens for each request. */
  context: (contextSize: number) => number | Promise<number>;
  /** Tokens that were asked for; absent: what fits is taken. */
  contextSize?: number | undefined;
  /** Tokens that the model was trained for: more than that is not proposed. */
  trained: number;
  parallel: number;
}

/** A load for which there is no room; the message says how much it needs, and what would fit. */
export class DoesNotFit extends Error {
  override readonly name = 'DoesNotFit';
  readonly place: Fit['place'];
  constructor(place: Fit['place'], message: string) {
    super(message);
    this.place = place;
  }
}

/** Tokens that are looked at for a context that fits, the largest first. */
const candidates = [131072, 65536, 32768, 16384, 8192, 4096, 2048, 1024, 512];
const smallest = 512;

/** @throws DoesNotFit */
export async function ensureFits(fit: Fit): Promise<void> {
  const { free, weights, trained, parallel } = fit;
  const needsWith = async (tokens: number) => weights + (await fit.context(tokens));
  const asked = fit.contextSize ?? Math.min(smallest, trained);
  const needs = await needsWith(asked);
  if (needs <= free) return;
  const other = await firstOf(
    candidates.filter((tokens) => tokens < asked && tokens <= trained),
    async (tokens) => (await needsWith(tokens)) <= free,
  );
  const what = `the weights ${inWords(weights)}, a context of ${asked} tokens for ${parallel === 1 ? 'one request' : `each of ${parallel} requests`} ${inWords(needs - weights)}`;
  throw new DoesNotFit(
    fit.place,
    `needs ${inWords(needs)} of ${fit.place} (${what}), free ${inWords(free)}; ${other === undefined ? 'no context fits' : `largest context that fits: ${other}`}`,
  );
}

async function firstOf(
  sizes: readonly number[],
  fits: (size: number) => Promise<boolean>,
): Promise<number | undefined> {
  for (const size of sizes) if (await fits(size)) return size;
  return undefined;
}

/** Tokens that llama.cpp computes at once, as node-llama-cpp has it. */
const batch = 512;

/**
 * What a context certainly takes of main memory: keys, values and states, which are there from the beginning. What else
 * llama.cpp reserves is touched as far as it is used. Nothing where the header does not say enough.
 */
export function contextBytes(memory: MemoryFacts, contextSize: number, parallel: number): number {
  const { kvBytesPerToken, slidingWindow, stateBytes = 0 } = memory;
  const tokens = roundedUp(contextSize);
  const windowed = slidingWindow
    ? Math.min(tokens, roundedUp(slidingWindow.tokens + Math.min(batch, contextSize * parallel))) *
      (slidingWindow.kvBytesPerToken.f16 ?? 0)
    : 0;
  return parallel * (tokens * (kvBytesPerToken?.f16 ?? 0) + windowed + stateBytes);
}

/** As llama.cpp does with the tokens of a cache. */
const roundedUp = (tokens: number) => Math.ceil(tokens / 256) * 256;

export interface MainMemory {
  /** That the container may use, or the machine has. */
  limit: number;
  /** Of the machine, which has other pods too. */
  available: number;
  /** /proc/self/status, where there is one. */
  status: string | undefined;
}

/**
 * Bytes that are left to this process: of its limit, and of what the machine has. Pages of files do not count, since they
 * can be dropped. https://man7.org/linux/man-pages/man5/proc_pid_status.5.html (RssAnon, in KiB)
 */
export function freeMemory({ limit, available, status }: MainMemory): number {
  const own = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0) * 1024;
  return Math.max(0, Math.min(limit - own, available));
}

function inWords(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
