import { describe, expect, it, vi } from 'vitest';
import { notGguf, tinyGguf } from '../../test/hub/gguf.ts';
import { NotGgufError, TruncatedGgufError } from './errors.ts';
import { joined, parametersText, readGgufHeader, type GgufFile } from './header.ts';

// Parsing a large vocabulary takes seconds on a loaded machine.
vi.setConfig({ testTimeout: 30_000 });

function fileOf(content: Uint8Array, path = 'tiny.gguf'): GgufFile & { bytesRead: () => number } {
  let bytes = 0;
  return {
    path,
    sizeBytes: content.byteLength,
    read: async (start, end) => {
      const part = new Uint8Array(content.subarray(start, end));
      bytes += part.byteLength;
      return part;
    },
    bytesRead: () => bytes,
  };
}

/** A header with a vocabulary of so many tokens, as large models have. */
function withVocabulary(tokens: number): Buffer {
  const base = tinyGguf({ architecture: 'gemma3', contextLength: 32_768, blockCount: 18 });
  const u64 = (value: number): Buffer => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigUInt64LE(BigInt(value));
    return buffer;
  };
  const u32 = (value: number): Buffer => {
    const buffer = Buffer.alloc(4);
    buffer.writeUInt32LE(value);
    return buffer;
  };
  const text = (value: string): Buffer => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
  const list = Array.from({ length: tokens }, (_, i) => text(`token-${i}`));
  const vocabulary = Buffer.concat([text('tokenizer.ggml.tokens'), u32(9), u32(8), u64(tokens), ...list]);
  const keys = base.readBigUInt64LE(16);
  const head = Buffer.from(base.subarray(0, 24));
  head.writeBigUInt64LE(keys + 1n, 16);
  return Buffer.concat([head, vocabulary, base.subarray(24)]);
}

/** A piece that is not the first: it names no architecture. */
function laterPiece(): Buffer {
  return tinyGguf({ metadata: { 'general.architecture': '', 'split.count': 2, 'split.no': 1 } });
}

describe('the header of a GGUF file', () => {
  it('says what the model is', async () => {
    const content = tinyGguf({
      architecture: 'qwen3',
      quantization: 'Q4_K_M',
      contextLength: 40_960,
      blockCount: 36,
      size: 1_000_000,
      metadata: { 'general.license': 'apache-2.0' },
    });
    const { facts, weights } = await readGgufHeader(fileOf(content));
    expect(facts).toMatchObject({
      architecture: 'qwen3',
      quantization: 'Q4_K_M',
      contextLength: 40_960,
      layers: 36,
      license: 'apache-2.0',
    });
    expect(facts.parameterCount).toBeGreaterThan(900_000);
    expect(weights).toBe(facts.parameterCount);
    expect(facts.parameters).toMatch(/^(1M|9\d\dK)$/);
  });

  it('is read in as many pieces as a vocabulary of 262,144 tokens needs, and the weights are not', async () => {
    const content = Buffer.concat([withVocabulary(262_144), Buffer.alloc(20_000_000)]);
    const file = fileOf(content);
    await expect(readGgufHeader(file)).resolves.toMatchObject({
      facts: { architecture: 'gemma3', layers: 18 },
    });
    expect(file.bytesRead()).toBeGreaterThan(4_000_000);
    expect(file.bytesRead()).toBeLessThan(9_000_000);
  });

  it('takes the quantization from the name, then from the weights, where the header has none', async () => {
    const content = tinyGguf({ quantization: 'Q8_0', metadata: { 'general.file_type': 5000 } });
    await expect(readGgufHeader(fileOf(content, 'm-Q6_K.gguf'))).resolves.toMatchObject({
      facts: { quantization: 'Q6_K' },
    });
    await expect(readGgufHeader(fileOf(content, 'm.gguf'))).resolves.toMatchObject({
      facts: { quantization: 'Q8_0' },
    });
  });

  it('of one piece of a split model does not claim to know the number of weights', async () => {
    const { facts, weights } = await readGgufHeader(fileOf(tinyGguf({ metadata: { 'split.count': 3 } })));
    expect(facts.parameterCount).toBeUndefined();
    expect(facts.parameters).toBeUndefined();
    expect(weights).toBeGreaterThan(0);
  });

  it('of all pieces has their weights, and the facts of the first', async () => {
    const metadata = { 'split.count': 2, 'split.no': 0 };
    const first = await readGgufHeader(fileOf(tinyGguf({ metadata, architecture: 'qwen3' })));
    const second = await readGgufHeader(fileOf(laterPiece()));
    const { facts: both, memory } = joined([first, second]);
    const { parameterCount, ...facts } = both;
    expect(facts).toMatchObject({ architecture: 'qwen3', quantization: 'Q4_K_M', pieces: 2 });
    expect(first.memory).not.toHaveProperty('weightsBytes');
    expect(memory).toMatchObject({
      weightsBytes: first.weightsBytes! + second.weightsBytes!,
      kvBytesPerToken: { f16: 2 * 2 * 128 * 2 },
    });
    expect(parameterCount).toBe(first.weights + second.weights);
    expect(second.weights).toBe(8448);
  });

  it('says how it attends, what it reads, and what it takes of memory', async () => {
    const metadata = {
      'llama.attention.head_count_kv': [2, 1],
      'tokenizer.ggml.model': 'gpt2',
      'tokenizer.ggml.tokens': ['<s>', 'a', 'b'],
      // Longer than what is kept.
      'tokenizer.chat_template': '{{ messages }}'.repeat(10_000),
    };
    const { facts, memory } = await readGgufHeader(fileOf(tinyGguf({ metadata })));
    expect(facts).toMatchObject({ heads: 4, kvHeads: 2, tokenizer: 'gpt2', chatTemplate: true });
    expect(facts.pieces).toBeUndefined();
    // 8192 weights in blocks of 144 bytes for 256, and 256 of 4 bytes.
    expect(memory).toMatchObject({ weightsBytes: 4608 + 1024, kvBytesPerToken: { f16: (2 + 1) * 128 * 2 } });
    await expect(readGgufHeader(fileOf(tinyGguf()))).resolves.toMatchObject({
      facts: { chatTemplate: false },
    });
  });

  it('of anything but a model takes no memory by itself', async () => {
    const { memory, facts } = await readGgufHeader(
      fileOf(tinyGguf({ metadata: { 'general.type': 'adapter' } })),
    );
    expect(memory).toEqual({});
    expect(facts.chatTemplate).toBeUndefined();
  });

  it.each([
    ['model', {}],
    ['model', { 'general.type': 'model', 'split.count': 2, 'split.no': 0 }],
    ['piece', { 'general.type': 'model', 'split.count': 2, 'split.no': 1 }],
    ['adapter', { 'general.type': 'adapter', 'adapter.type': 'lora' }],
    ['projector', { 'general.type': 'mmproj' }],
    ['projector', { 'general.architecture': 'clip' }],
    [undefined, { 'general.type': 'imatrix', 'general.architecture': '' }],
  ])('says that the file is a %s by %j', async (role, metadata) => {
    expect((await readGgufHeader(fileOf(tinyGguf({ metadata })))).role).toBe(role);
  });

  it('of a later piece has the keys of the split only, as gguf-split writes it', async () => {
    const { role, facts, tensors } = await readGgufHeader(fileOf(laterPiece()));
    expect(role).toBe('piece');
    expect(facts.architecture).toBeUndefined();
    expect(tensors).toEqual(['token_embd.weight', 'output_norm.weight']);
  });

  it.each([
    ['other content', notGguf(1000)],
    ['nothing', Buffer.alloc(0)],
    ['a cut-off header', tinyGguf().subarray(0, 300)],
    ['a magic number and zeros', Buffer.concat([Buffer.from('GGUF\x03\0\0\0', 'latin1'), Buffer.alloc(64)])],
    ['of no architecture', tinyGguf({ metadata: { 'general.architecture': '' } })],
  ])('is refused when it is %s', async (_what, content) => {
    await expect(readGgufHeader(fileOf(content))).rejects.toThrow(NotGgufError);
  });

  it.each([
    ['one byte', 9_999_999],
    ['most of it', 100_000],
  ])('that lists weights beyond the end of the file is of one that lacks %s', async (_what, bytes) => {
    const cut = tinyGguf({ size: 10_000_000 }).subarray(0, bytes);
    await expect(readGgufHeader(fileOf(cut))).rejects.toThrow(TruncatedGgufError);
  });

  it('passes on what keeps it from being read', async () => {
    const broken = { path: 'a.gguf', sizeBytes: 100, read: () => Promise.reject(new Error('no line')) };
    await expect(readGgufHeader(broken)).rejects.toThrow('no line');
  });
});

it('writes numbers of weights as people do', () => {
  expect([1_500, 268_098_176, 999_999_999, 8_030_261_248, 1_040_000_000_000].map(parametersText)).toEqual([
    '2K',
    '268M',
    '1.0B',
    '8.0B',
    '1.0T',
  ]);
});
