import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryFacts } from '../api/model-status.ts';
import { recurrentRules, windowRules } from './attention.ts';
import { contextMemory } from './memory.ts';
import type { Metadata } from './parse.ts';

/** The keys of an architecture as a parsed header has them. */
function keysOf(architecture: string, keys: Metadata): Metadata {
  return Object.fromEntries(Object.entries(keys).map(([name, value]) => [`${architecture}.${name}`, value]));
}

function memoryOf(architecture: string, keys: Metadata): MemoryFacts {
  return contextMemory(keysOf(architecture, keys), architecture);
}

const attention = (headCount: number, kvHeads: number | number[], keyLength?: number): Metadata => ({
  'attention.head_count': headCount,
  'attention.head_count_kv': kvHeads,
  ...(keyLength && { 'attention.key_length': keyLength, 'attention.value_length': keyLength }),
});
/** Llama 3.1 8B. */
const llama: Metadata = { block_count: 32, embedding_length: 4096, ...attention(32, 8) };

describe('keys and values of a token', () => {
  it('take what all layers keep of it, at each type of the cache', () => {
    const elements = 32 * 8 * (128 + 128);
    expect(memoryOf('llama', llama)).toEqual({
      kvBytesPerToken: {
        f32: elements * 4,
        f16: elements * 2,
        bf16: elements * 2,
        q8_0: (elements / 32) * 34,
        q5_1: (elements / 32) * 24,
        q5_0: (elements / 32) * 22,
        q4_1: (elements / 32) * 20,
        q4_0: (elements / 32) * 18,
        iq4_nl: (elements / 32) * 18,
      },
    });
    expect(memoryOf('llama', llama).kvBytesPerToken?.f16).toBe(131_072);
  });

  it('have as many heads as queries where the header names no others', () => {
    const { 'attention.head_count_kv': _, ...keys } = llama;
    expect(memoryOf('llama', keys).kvBytesPerToken?.f16).toBe(131_072 * 4);
  });

  it('have other heads in every layer where the header lists them', () => {
    const keys = { block_count: 4, embedding_length: 1024, ...attention(8, [4, 2, 0, 2], 64) };
    expect(memoryOf('deci', keys).kvBytesPerToken?.f16).toBe((4 + 2 + 0 + 2) * 128 * 2);
  });

  it('have lengths of their own', () => {
    const keys = { ...llama, 'attention.key_length': 192, 'attention.value_length': 128 };
    expect(memoryOf('deepseek2', keys).kvBytesPerToken?.f16).toBe(32 * 8 * (192 + 128) * 2);
  });

  it('are one latent vector with multi-head latent attention', () => {
    // DeepSeek V3.
    const keys = {
      block_count: 61,
      embedding_length: 7168,
      'attention.head_count': 128,
      'attention.head_count_kv': 1,
      'attention.kv_lora_rank': 512,
      'attention.key_length': 576,
      'attention.value_length': 512,
      'attention.key_length_mla': 192,
      'attention.value_length_mla': 128,
    };
    expect(memoryOf('deepseek2', keys)).toMatchObject({ kvBytesPerToken: { f16: 61 * 576 * 2 } });
  });

  it('are not quantized where blocks would reach over a head', () => {
    // Phi 2: heads of 80.
    const keys = { block_count: 32, embedding_length: 2560, ...attention(32, 32) };
    expect(Object.keys(memoryOf('phi2', keys).kvBytesPerToken!)).toEqual(['f32', 'f16', 'bf16']);
  });

  it('are kept by the layers of the model alone, and not by those that predict further tokens', () => {
    const keys = { ...llama, block_count: 33, nextn_predict_layers: 1 };
    expect(memoryOf('glm4moe', keys)).toEqual(memoryOf('glm4moe', llama));
  });

  it('take nothing of a model that reads a text at once', () => {
    const zeros = memoryOf('bert', llama).kvBytesPerToken;
    expect(new Set(Object.values(zeros!))).toEqual(new Set([0]));
  });
});

describe('a sliding window', () => {
  it('is kept by five of six layers of Gemma 3', () => {
    const keys = { block_count: 18, embedding_length: 640, ...attention(4, 1, 256) };
    const windowed = { ...keys, 'attention.sliding_window': 512 };
    expect(memoryOf('gemma3', windowed)).toMatchObject({
      kvBytesPerToken: { f16: 3 * 1024 },
      slidingWindow: { tokens: 512, kvBytesPerToken: { f16: 15 * 1024 } },
    });
    expect(memoryOf('gemma3', keys)).toMatchObject({ kvBytesPerToken: { f16: 18 * 1024 } });
    expect(memoryOf('gemma3', keys)).not.toHaveProperty('slidingWindow');
  });

  it.each<[string, Metadata, number, number[]]>([
    ['gpt-oss', { 'attention.sliding_window': 128 }, 128, [1, 3, 5, 7]],
    ['gemma2', {}, 4096, [1, 3, 5, 7]],
    ['llama4', {}, 8192, [3, 7]],
    ['cohere2moe', { 'attention.sliding_window': 64 }, 64, [0, 4]],
    ['smallthinker', { 'attention.sliding_window': 64 }, 4096, [0, 4]],
    ['olmo2', { 'attention.sliding_window': 64, 'attention.sliding_window_pattern': 2 }, 64, [1, 3, 5, 7]],
    [
      'gemma4',
      {
        'attention.sliding_window': 64,
        'attention.sliding_window_pattern': [true, true, false, true, true, true, true, false],
      },
      64,
      [2, 7],
    ],
  ])('of %s with %j is of %i tokens, and layers %j have none', (architecture, more, tokens, full) => {
    const keys = {
      block_count: 8,
      embedding_length: 512,
      ...attention(8, [1, 2, 4, 8, 16, 32, 64, 128], 32),
    };
    const bytes = (layers: number[]) => layers.reduce((sum, i) => sum + 2 ** i * 64 * 2, 0);
    const windowed = [0, 1, 2, 3, 4, 5, 6, 7].filter((i) => !full.includes(i));
    expect(memoryOf(architecture, { ...keys, ...more })).toMatchObject({
      kvBytesPerToken: { f16: bytes(full) },
      slidingWindow: { tokens, kvBytesPerToken: { f16: bytes(windowed) } },
    });
  });

  it('has heads of other lengths where the header says so', () => {
    const keys = {
      block_count: 2,
      embedding_length: 512,
      ...attention(8, 2, 256),
      'attention.sliding_window': 64,
      'attention.sliding_window_pattern': [true, false],
      'attention.key_length_swa': 128,
      'attention.value_length_swa': 128,
    };
    expect(memoryOf('gemma4', keys)).toMatchObject({
      kvBytesPerToken: { f16: 2 * 512 * 2 },
      slidingWindow: { kvBytesPerToken: { f16: 2 * 256 * 2 } },
    });
  });

  it('that llama.cpp passes over is none', () => {
    const keys = { ...llama, 'attention.sliding_window': 2047 };
    expect(memoryOf('phi3', keys)).toEqual(memoryOf('phi3', llama));
  });

  it('leaves out layers that use the keys and values of others', () => {
    const keys = { block_count: 30, embedding_length: 2048, ...attention(8, 2, 256) };
    const { kvBytesPerToken, slidingWindow } = memoryOf('gemma3n', {
      ...keys,
      'attention.sliding_window': 512,
    });
    expect(kvBytesPerToken?.f16).toBe(4 * 2048);
    expect(slidingWindow?.kvBytesPerToken.f16).toBe(16 * 2048);
  });
});

describe('the state of recurrent layers', () => {
  const ssm: Metadata = { 'ssm.conv_kernel': 4, 'ssm.inner_size': 1536, 'ssm.state_size': 16 };

  it('is all that Mamba keeps', () => {
    const { kvBytesPerToken, stateBytes } = memoryOf('mamba', {
      block_count: 24,
      embedding_length: 768,
      ...ssm,
      'attention.head_count': 0,
    });
    expect(stateBytes).toBe(24 * (3 * 1536 + 16 * 1536) * 4);
    expect(kvBytesPerToken?.f16).toBe(0);
  });

  it('is that of RWKV', () => {
    const keys = { block_count: 24, embedding_length: 2048, 'attention.head_count': 0, 'wkv.head_size': 64 };
    expect(memoryOf('rwkv6', keys).stateBytes).toBe(24 * (2 * 2048 + 64 * 2048) * 4);
  });

  it('takes the place of keys and values in layers without heads for them', () => {
    const keys = { block_count: 4, embedding_length: 512, ...ssm, ...attention(8, [0, 0, 2, 0], 64) };
    const { kvBytesPerToken, stateBytes } = memoryOf('jamba', keys);
    expect(kvBytesPerToken?.f16).toBe(2 * 128 * 2);
    expect(stateBytes).toBe(3 * (3 * 1536 + 16 * 1536) * 4);
  });

  it('is in three of four layers of Qwen3-Next, or where the header says', () => {
    const keys = { block_count: 8, embedding_length: 512, ...ssm, ...attention(8, 2, 64) };
    expect(memoryOf('qwen3next', keys).kvBytesPerToken?.f16).toBe(2 * 256 * 2);
    const every = { ...keys, full_attention_interval: 2 };
    expect(memoryOf('qwen3next', every).kvBytesPerToken?.f16).toBe(4 * 256 * 2);
    const list = { ...keys, 'attention.recurrent_layers': [0, 1, 1, 1, 1, 1, 1, 1] };
    expect(memoryOf('qwen3next', list).kvBytesPerToken?.f16).toBe(256 * 2);
  });

  it('is beside keys and values in every layer of Falcon-H1', () => {
    const keys = {
      block_count: 4,
      embedding_length: 512,
      ...ssm,
      'ssm.group_count': 2,
      ...attention(8, 2, 64),
    };
    expect(memoryOf('falcon-h1', keys)).toMatchObject({
      kvBytesPerToken: { f16: 4 * 256 * 2 },
      stateBytes: 4 * (3 * (1536 + 2 * 2 * 16) + 16 * 1536) * 4,
    });
  });

  it('is not in layers of Nemotron-H that have a feed-forward network only', () => {
    const heads = { ...attention(8, [0, 2, 0, 0], 64), feed_forward_length: [0, 0, 1024, 0] };
    const keys = { block_count: 4, embedding_length: 512, ...ssm, ...heads };
    expect(memoryOf('nemotron_h', keys)).toMatchObject({
      kvBytesPerToken: { f16: 256 * 2 },
      stateBytes: 2 * (3 * 1536 + 16 * 1536) * 4,
    });
  });

  it('is the short convolutions of LFM2, and the attention of Kimi', () => {
    const lfm2 = { block_count: 2, embedding_length: 1024, 'shortconv.l_cache': 3, ...attention(16, [0, 8]) };
    expect(memoryOf('lfm2', lfm2).stateBytes).toBe(1024 * 2 * 4);
    const kda = { 'kda.head_dim': 128, 'ssm.conv_kernel': 4, ...attention(32, [0, 1], 576) };
    const kimi = { block_count: 2, embedding_length: 2304, ...kda };
    expect(memoryOf('kimi-linear', kimi).stateBytes).toBe((3 * 3 * 32 * 128 + 128 * 128 * 32) * 4);
  });
});

describe('what cannot be known', () => {
  it.each<[string, string, Metadata]>([
    ['a memory of its own kind', 'deepseek4', llama],
    ['an index over its keys', 'deepseek32', { ...llama, 'attention.indexer.head_count': 64 }],
    ['a window in layers that nobody knows', 'newer', { ...llama, 'attention.sliding_window': 512 }],
    [
      'a window in layers that the header should list',
      'mimo2',
      { ...llama, 'attention.sliding_window': 512 },
    ],
    ['a state of a kind that nobody knows', 'newer', { ...llama, 'ssm.state_size': 16 }],
    ['a state of no stated size', 'mamba', { block_count: 2, embedding_length: 64 }],
    ['no number of layers', 'llama', { ...llama, block_count: null }],
    ['more layers than there can be', 'llama', { ...llama, block_count: 1_000_000 }],
    ['no number of heads', 'llama', { block_count: 2, embedding_length: 64 }],
    ['heads of no stated size', 'llama', { block_count: 2, 'attention.head_count': 4 }],
    ['heads without end', 'llama', { ...llama, 'attention.head_count_kv': 2 ** 45 }],
  ])('is absent: %s', (_what, architecture, keys) => {
    expect(memoryOf(architecture, keys)).toEqual({});
  });

  it('is nothing else than figures, whatever a header says', () => {
    const names = Object.keys({
      ...llama,
      nextn_predict_layers: 0,
      'attention.sliding_window': 0,
      'attention.sliding_window_pattern': 0,
      'attention.key_length': 0,
      'attention.value_length': 0,
      'attention.shared_kv_layers': 0,
      'ssm.conv_kernel': 0,
      'ssm.inner_size': 0,
      'ssm.state_size': 0,
      'wkv.head_size': 0,
      'kda.head_dim': 0,
      'shortconv.l_cache': 0,
      full_attention_interval: 0,
    });
    const small = fc.integer({ min: -2, max: 64 });
    const value = fc.oneof(small, fc.double(), fc.bigInt(), fc.boolean(), fc.array(small), fc.constant(null));
    const architectures = ['llama', 'bert', ...Object.keys(windowRules), ...Object.keys(recurrentRules)];
    fc.assert(
      fc.property(
        fc.constantFrom(...architectures),
        fc.dictionary(fc.constantFrom(...names), value),
        small,
        (architecture, keys, layers) => {
          const found = memoryOf(architecture, { ...llama, block_count: layers, ...keys });
          expect(MemoryFacts.parse(found)).toEqual(found);
          for (const bytes of Object.values({ ...found.kvBytesPerToken, state: found.stateBytes ?? 0 })) {
            expect(bytes).toBeGreaterThanOrEqual(0);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
