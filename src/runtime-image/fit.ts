import { contextSizes, memoryInWords, smallestContext } from '../gguf/fit.ts';

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

/** @throws DoesNotFit */
export async function ensureFits(fit: Fit): Promise<void> {
  const { free, weights, trained, parallel } = fit;
  const needsWith = async (tokens: number) => weights + (await fit.context(tokens));
  const asked = fit.contextSize ?? Math.min(smallestContext, trained);
  const needs = await needsWith(asked);
  if (needs <= free) return;
  const other = await firstOf(
    contextSizes.filter((tokens) => tokens < asked && tokens <= trained),
    async (tokens) => (await needsWith(tokens)) <= free,
  );
  const what = `the weights ${memoryInWords(weights)}, a context of ${asked} tokens for ${parallel === 1 ? 'one request' : `each of ${parallel} requests`} ${memoryInWords(needs - weights)}`;
  throw new DoesNotFit(
    fit.place,
    `needs ${memoryInWords(needs)} of ${fit.place} (${what}), free ${memoryInWords(free)}; ${other === undefined ? 'no context fits' : `largest context that fits: ${other}`}`,
  );
}

async function firstOf(
  sizes: readonly number[],
  fits: (size: number) => Promise<boolean>,
): Promise<number | undefined> {
  for (const size of sizes) if (await fits(size)) return size;
  return undefined;
}

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
