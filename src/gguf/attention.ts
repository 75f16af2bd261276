import type { Metadata } from './parse.ts';

/**
 * How architectures keep what they have read, as the llama.cpp in node-llama-cpp 3.22 has it (`llama_model::create_memory`
 * and `load_arch_hparams` of `src/models`). Names are those of `general.architecture`.
 */

/** Which layers of an architecture look back over a window only. */
export interface WindowRule {
  /** Every so many layers one keeps all of the context, where the header has no pattern of its own; 0 for none. */
  readonly every?: number;
  /** Whether it is the first of them and not the last. */
  readonly first?: true;
  /** The window where the header states none. */
  readonly tokens?: number;
  /** The window where the header states any. */
  readonly instead?: number;
}

export const windowRules: Readonly<Record<string, WindowRule>> = {
  afmoe: { every: 4 },
  cohere2: { every: 4 },
  cohere2moe: { every: 4, first: true },
  'exaone-moe': { every: 4, tokens: 128 },
  gemma2: { every: 2, tokens: 4096 },
  gemma3: { every: 6 },
  gemma3n: { every: 5 },
  gemma4: {},
  'gpt-oss': { every: 2 },
  granite_swa: {},
  laguna: { every: 4, first: true },
  lfm2: { every: 0 },
  llama4: { every: 4, tokens: 8192, instead: 8192 },
  maple: {},
  mellum: { every: 4 },
  mimo2: {},
  'muse-glimmer': { every: 4 },
  olmo2: { every: 4 },
  plamo3: { every: 8 },
  smallthinker: { every: 4, first: true, instead: 4096 },
  spark2_5: {},
  step35: {},
};

/** Architectures of which llama.cpp passes over the window that some of their headers state. */
export const withoutWindow: ReadonlySet<string> = new Set([
  'llama',
  'mistral3',
  'phi3',
  'phimoe',
  'qwen2',
  'qwen2moe',
  'qwen3',
  'qwen3moe',
  'starcoder2',
]);

/** Architectures that read a text at once and keep nothing. */
export const withoutCache: ReadonlySet<string> = new Set([
  'bert',
  'dream',
  'eurobert',
  'gemma-embedding',
  'jina-bert-v2',
  'jina-bert-v3',
  'llada',
  'llada-moe',
  'modern-bert',
  'neo-bert',
  'nomic-bert',
  'nomic-bert-moe',
  'rnd1',
]);

/** Architectures with a memory of their own kind, of which the keys read here do not tell the size. */
export const unlikeOthers: ReadonlySet<string> = new Set([
  'deepseek4',
  'dflash',
  'dots3note',
  'eagle3',
  'exaone4',
  'gemma4-assistant',
  'graniteswitch',
  'hrm_text',
  'minimax-01',
  'nanbeige',
  'qwen4exp',
  't5',
  't5encoder',
  'wavtokenizer-dec',
]);

/** Whether a layer has a state in place of, or beside, keys and values. */
export type RecurrentRule = 'all' | 'no-kv-heads' | 'no-kv-heads-nor-feed-forward' | 'beside' | number;

/** A number is the interval at which a layer of attention stands, where the header does not list the layers. */
export const recurrentRules: Readonly<Record<string, RecurrentRule>> = {
  arwkv7: 'all',
  mamba: 'all',
  mamba2: 'all',
  rwkv6: 'all',
  rwkv6qwen2: 'all',
  rwkv7: 'all',
  bailingmoe3: 'no-kv-heads',
  granitehybrid: 'no-kv-heads',
  jamba: 'no-kv-heads',
  'kimi-k3': 'no-kv-heads',
  'kimi-linear': 'no-kv-heads',
  lfm2: 'no-kv-heads',
  lfm2moe: 'no-kv-heads',
  plamo2: 'no-kv-heads',
  nemotron_h: 'no-kv-heads-nor-feed-forward',
  nemotron_h_moe: 'no-kv-heads-nor-feed-forward',
  'falcon-h1': 'beside',
  qwen35: 4,
  qwen35moe: 4,
  qwen3next: 4,
};

/** What a header says of its own architecture. */
export interface ArchitectureKeys {
  /** A count, or `fallback` where there is none. */
  number<F>(name: string, fallback: F): number | F;
  /** One number for all layers, or one for each. */
  ofLayer<F>(name: string, layer: number, fallback: F): number | F;
  /** A list of counts, or of 1 for yes and 0 for no; NaN for what is neither. */
  list(name: string): readonly number[] | undefined;
  /** Whether there is a key like this. */
  has(part: RegExp): boolean;
}

export function keysOf(metadata: Metadata, architecture: string): ArchitectureKeys {
  const prefix = `${architecture}.`;
  const value = (name: string) => metadata[prefix + name];
  const list: ArchitectureKeys['list'] = (name) => {
    const found = value(name);
    return typeof found === 'object' && found !== null ? found.map(countOf) : undefined;
  };
  const number: ArchitectureKeys['number'] = (name, fallback) => {
    const found = value(name);
    const count = typeof found === 'number' || typeof found === 'bigint' ? countOf(found) : NaN;
    return Number.isNaN(count) ? fallback : count;
  };
  return {
    number,
    list,
    ofLayer: (name, layer, fallback) => list(name)?.[layer] ?? number(name, fallback),
    has: (part) => Object.keys(metadata).some((key) => key.startsWith(prefix) && part.test(key)),
  };
}

/** NaN for what counts nothing. */
function countOf(value: number | bigint | boolean): number {
  const count = Number(value);
  return Number.isSafeInteger(count) && count >= 0 ? count : NaN;
}
