import type { CacheType, MemoryFacts } from '../api/model-status.ts';

/** What a load takes, as the operator foresees it and the runtime finds it: one arithmetic for both. */

/** Tokens of a context that are proposed where another does not fit, the largest first. */
export const contextSizes = [131072, 65536, 32768, 16384, 8192, 4096, 2048, 1024, 512];

/** Tokens below which a server is of little use: nothing fits where this does not. */
export const smallestContext = 512;

/** Tokens that llama.cpp computes at once, as node-llama-cpp has it. */
const batch = 512;

/** How a context keeps keys and values. */
export interface Cache {
  /** Absent: f16. */
  type?: CacheType | undefined;
  /** Whether layers with a window keep all tokens. */
  swaFullCache?: boolean | undefined;
}

/**
 * What a context certainly takes, in bytes: keys, values and states, which are there from the beginning. What else
 * llama.cpp reserves is touched as far as it is used. Nothing where the header does not say enough.
 * @param contextSize tokens of each of `parallel` sequences
 */
export function contextBytes(
  memory: MemoryFacts,
  contextSize: number,
  parallel: number,
  { type = 'f16', swaFullCache = false }: Cache = {},
): number {
  const { kvBytesPerToken, slidingWindow, stateBytes = 0 } = memory;
  const tokens = roundedUp(contextSize);
  const most = slidingWindow ? slidingWindow.tokens + Math.min(batch, contextSize * parallel) : 0;
  const kept = swaFullCache ? tokens : Math.min(tokens, roundedUp(most));
  const windowed = kept * (slidingWindow?.kvBytesPerToken[type] ?? 0);
  return parallel * (tokens * (kvBytesPerToken?.[type] ?? 0) + windowed + stateBytes);
}

/** A model as it is loaded, by the header of its file. */
export interface LoadedModel {
  memory: MemoryFacts;
  /** Bytes of its files: what counts where the header does not say what the weights take. */
  sizeBytes: number;
  /** Tokens that it was trained for; absent: not known. */
  trained?: number | undefined;
}

/** All that a server loads, and how it keeps its contexts. */
export interface Load {
  model: LoadedModel;
  /** Adapters that requests choose between: each has a context of its own, like that of the model. */
  adapters: number;
  /** Bytes of these, and of those that always count. */
  adaptersBytes: number;
  /** That drafts for the model. Its context is as long, as far as it was trained for that, and kept as f16. */
  draft?: LoadedModel | undefined;
  /** Requests at the same time. */
  parallel: number;
  cache: Cache;
}

/** What all weights take, in bytes. */
export function weightsBytes({ model, adaptersBytes, draft }: Load): number {
  return weightsOf(model) + adaptersBytes + (draft ? weightsOf(draft) : 0);
}

/** What the weights of one model take, in bytes. */
export function weightsOf({ memory, sizeBytes }: LoadedModel): number {
  return memory.weightsBytes ?? sizeBytes;
}

/** What all contexts certainly take, in bytes; those of the model kept in another way than the load's, where that is said. */
export function contextsBytes(load: Load, contextSize: number, cache = load.cache): number {
  const { model, draft, adapters, parallel } = load;
  const own = contextBytes(model.memory, contextSize, parallel * (1 + adapters), cache);
  const drafts =
    draft && contextBytes(draft.memory, Math.min(contextSize, draft.trained ?? Infinity), parallel);
  return own + (drafts ?? 0);
}

/** As llama.cpp does with the tokens of a cache. */
const roundedUp = (tokens: number) => Math.ceil(tokens / 256) * 256;

/** Bytes in powers of two, as memory is counted: `300 MiB`, `4.7 GiB`. */
export function memoryInWords(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}
