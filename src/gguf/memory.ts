import { cacheTypes, type CacheBytes, type CacheType, type MemoryFacts } from '../api/model-status.ts';
import {
  keysOf,
  recurrentRules,
  unlikeOthers,
  windowRules,
  withoutCache,
  withoutWindow,
  type ArchitectureKeys,
} from './attention.ts';
import type { Metadata } from './parse.ts';
import { bytesOf, elementsPerBlock } from './tensor-types.ts';

/** What one layer keeps of each token, in elements, and the head sizes that they come in. */
interface Layer {
  readonly elements: number;
  readonly heads: readonly number[];
  readonly isWindowed: boolean;
}

/** Of ggml. */
const ggmlTypes: Readonly<Record<CacheType, number>> = {
  f32: 0,
  f16: 1,
  bf16: 30,
  q8_0: 8,
  q5_1: 7,
  q5_0: 6,
  q4_1: 3,
  q4_0: 2,
  iq4_nl: 20,
};
const largestElementBytes = 4;
/** Recurrent states are kept as F32. */
const stateElementBytes = 4;
/** llama.cpp's `LLAMA_MAX_LAYERS`. */
const mostLayers = 512;

/**
 * What a context takes of a server's memory, as llama.cpp allocates it: one with flash attention, or with keys and values
 * alike in all layers. Each sequence with a context of n tokens (rounded up to 256) takes
 *
 *     n × kvBytesPerToken + min(n, window and batch rounded up to 256) × slidingWindow.kvBytesPerToken + stateBytes
 *
 * The weights come from the tensors and are no part of it. Empty where the header does not say enough, or has keys of a
 * kind of memory that is not known here. An architecture without such keys, known or not, keeps keys and values of all
 * tokens in all layers.
 */
export function contextMemory(metadata: Metadata, architecture: string): Omit<MemoryFacts, 'weightsBytes'> {
  const keys = keysOf(metadata, architecture);
  const count = keys.number('block_count', 0);
  if (withoutCache.has(architecture)) return { kvBytesPerToken: cacheBytes([]) };
  if (unlikeOthers.has(architecture) || keys.has(/\.attention\.indexer\./)) return {};
  if (!(Number.isInteger(count) && count > 0 && count <= mostLayers)) return {};

  // Those after them predict further tokens, and have a context of their own where they are used.
  const trunk = count - keys.number('nextn_predict_layers', 0);
  const numbers = Array.from({ length: Math.max(0, trunk) }, (_, i) => i);
  const recurrent = recurrentLayers(keys, architecture, numbers);
  const window = windowOf(keys, architecture, numbers);
  if (recurrent === undefined || window === undefined) return {};

  const stateBytes = recurrent.size === 0 ? undefined : recurrent.size * stateBytesPerLayer(keys);
  const rule = recurrentRules[architecture];
  const attending = numbers.filter(
    (i) =>
      i < layersWithCache(keys, architecture, count) &&
      (rule === 'beside' || !recurrent.has(i)) &&
      !(rule === 'no-kv-heads-nor-feed-forward' && keys.ofLayer('feed_forward_length', i, 0) > 0),
  );
  const layers = attending.map((i) => layerOf(keys, i, window.layers.has(i)));
  if (!layers.every((layer) => layer !== undefined) || !Number.isSafeInteger(stateBytes ?? 0)) return {};
  if (!Number.isSafeInteger(elementsOf(layers) * largestElementBytes)) return {};

  const windowed = layers.filter(({ isWindowed }) => isWindowed);
  return {
    kvBytesPerToken: cacheBytes(layers.filter(({ isWindowed }) => !isWindowed)),
    ...(windowed.length > 0 && {
      slidingWindow: { tokens: window.tokens, kvBytesPerToken: cacheBytes(windowed) },
    }),
    ...(stateBytes !== undefined && { stateBytes }),
  };
}

/** Undefined where the header lacks what is needed. */
function layerOf(keys: ArchitectureKeys, layer: number, isWindowed: boolean): Layer | undefined {
  const heads = keys.ofLayer('attention.head_count', layer, undefined);
  const kvHeads = keys.ofLayer('attention.head_count_kv', layer, heads);
  if (kvHeads === undefined) return undefined;
  const embedding = keys.number('embedding_length', NaN);
  const usual = Math.floor(embedding / keys.ofLayer('attention.head_count', 0, NaN));
  const sized = (name: string): number => {
    const full = keys.number(`attention.${name}`, usual);
    return isWindowed ? keys.number(`attention.${name}_swa`, full) : full;
  };
  const isLatent =
    keys.number('attention.key_length_mla', 0) > 0 && keys.number('attention.value_length_mla', 0) > 0;
  // Of latent attention (MLA) the keys hold what the values are made from.
  const sizes = isLatent ? [sized('key_length')] : [sized('key_length'), sized('value_length')];
  const elements = kvHeads * sizes.reduce((sum, size) => sum + size, 0);
  return Number.isSafeInteger(elements) ? { elements, heads: sizes, isWindowed } : undefined;
}

function elementsOf(layers: readonly Layer[]): number {
  return layers.reduce((sum, { elements }) => sum + elements, 0);
}

/** Bytes for each token by type; a quantized one packs blocks of elements, which must not reach over a head. */
function cacheBytes(layers: readonly Layer[]): CacheBytes {
  const elements = elementsOf(layers);
  const fitting = cacheTypes.filter((type) =>
    layers.every(({ heads }) => heads.every((size) => size % elementsPerBlock(ggmlTypes[type]) === 0)),
  );
  return Object.fromEntries(fitting.map((type) => [type, bytesOf(ggmlTypes[type], elements)]));
}

/** Layers from this one on use the keys and values of others. */
function layersWithCache(keys: ArchitectureKeys, architecture: string, count: number): number {
  if (architecture === 'gemma3n') return 20;
  return architecture === 'gemma4' ? count - keys.number('attention.shared_kv_layers', 0) : count;
}

/** Undefined where there is a window, and which layers have it is not known. */
function windowOf(
  keys: ArchitectureKeys,
  architecture: string,
  numbers: readonly number[],
): { tokens: number; layers: ReadonlySet<number> } | undefined {
  const none = { tokens: 0, layers: new Set<number>() };
  const stated = keys.number('attention.sliding_window', undefined);
  const pattern = keys.list('attention.sliding_window_pattern');
  if (withoutWindow.has(architecture)) return none;
  const rule = windowRules[architecture];
  if (rule === undefined) return (stated ?? 0) > 0 || pattern !== undefined ? undefined : none;
  const tokens = stated === undefined ? (rule.tokens ?? 0) : stated && (rule.instead ?? stated);
  if (tokens === 0) return none;

  const every = keys.number('attention.sliding_window_pattern', rule.every);
  if (pattern !== undefined) return { tokens, layers: new Set(numbers.filter((i) => pattern[i] === 1)) };
  if (every === undefined) return undefined;
  const keepsAll = (i: number): boolean => i % every === (rule.first ? 0 : every - 1);
  return { tokens, layers: new Set(numbers.filter((i) => !keepsAll(i))) };
}

/** Undefined where the header has keys of recurrent layers, and the architecture is not known for any. */
function recurrentLayers(
  keys: ArchitectureKeys,
  architecture: string,
  numbers: readonly number[],
): ReadonlySet<number> | undefined {
  const rule = recurrentRules[architecture];
  if (rule === undefined) {
    return keys.has(/\.(ssm|wkv|kda|shortconv|time_mix)[._]/) ? undefined : new Set();
  }
  if (rule === 'all' || rule === 'beside') return new Set(numbers);
  if (typeof rule === 'number') {
    const list = keys.list('attention.recurrent_layers');
    const interval = keys.number('full_attention_interval', rule);
    return new Set(numbers.filter((i) => (list ? list[i] : (i + 1) % interval !== 0)));
  }
  const alsoWithoutFeedForward = rule === 'no-kv-heads-nor-feed-forward';
  return new Set(
    numbers.filter(
      (i) =>
        keys.ofLayer('attention.head_count_kv', i, 1) === 0 &&
        (!alsoWithoutFeedForward || keys.ofLayer('feed_forward_length', i, 0) === 0),
    ),
  );
}

/** The shifted or convolved inputs and the state of a layer (`llama_hparams::n_embd_r`, `n_embd_s`); NaN if unknown. */
function stateBytesPerLayer(keys: ArchitectureKeys): number {
  const embedding = keys.number('embedding_length', NaN);
  const heads = keys.ofLayer('attention.head_count', 0, NaN);
  const kernel = keys.number('ssm.conv_kernel', undefined);
  const elements = (): number => {
    const wkv = keys.number('wkv.head_size', 0);
    if (wkv > 0) return embedding * keys.number('token_shift_count', 2) + embedding * wkv;
    const shortConvolution = keys.number('shortconv.l_cache', 0);
    if (shortConvolution > 0) return embedding * (shortConvolution - 1);
    const kda = keys.number('kda.head_dim', 0);
    if (kda > 0) return 3 * (kernel ? kernel - 1 : 3) * heads * kda + kda * kda * heads;
    if (kernel === undefined) return NaN;
    const inner = keys.number('ssm.inner_size', NaN);
    const state = keys.number('ssm.state_size', NaN);
    return Math.max(0, kernel - 1) * (inner + 2 * keys.number('ssm.group_count', 0) * state) + state * inner;
  };
  return elements() * stateElementBytes;
}
