import { mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getLlama, LlamaLogLevel, type Llama } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { gemma } from '../../test/hub/model.ts';
import { cacheTypes, type CacheType, type MemoryFacts } from '../api/model-status.ts';
import { readGgufHeader } from '../gguf/header.ts';
import { headsByLayer, latentAttention, mostlyRecurrent } from '../../test/hub/loadable-gguf.ts';

// Loading models on a machine that may be busy.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

/** What llama.cpp says of its memory is rounded to a hundredth of a MiB in each line. */
const roundingBytes = 0.005 * 2 ** 20;
/** Buffers begin at round addresses. */
const alignmentBytes = 4096;

let llama: Llama;
let folder: string;
const lines: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'models-'));
  llama = await getLlama({
    build: 'never',
    gpu: false,
    maxThreads: 2,
    logLevel: LlamaLogLevel.debug,
    logger: (_level, message) => lines.push(message),
  });
});
afterAll(async () => {
  await llama.dispose();
  await rm(folder, { recursive: true });
});

interface Context {
  contextSize: number;
  sequences: number;
  batchSize: number;
  type: CacheType;
}

/**
 * Loads a model, and says what llama.cpp allocated for it and for each context, in bytes, by its log.
 * @param buffers That each context has.
 */
async function allocated(
  modelPath: string,
  contexts: readonly Context[],
  buffers: number,
): Promise<{ weights: number; contexts: number[] }> {
  lines.length = 0;
  const model = await llama.loadModel({ modelPath });
  for (const { type, ...options } of contexts) {
    const cacheType = type.toUpperCase() as Uppercase<CacheType>;
    const context = await model.createContext({
      ...options,
      threads: 2,
      flashAttention: true,
      experimentalKvCacheKeyType: cacheType,
      experimentalKvCacheValueType: cacheType,
    });
    await context.dispose();
  }
  await model.dispose();
  // The log comes in order, and after what it is about.
  const logged = () => lines.join('\n').split(/llama_context: n_ctx_seq += .*/);
  const sums = () =>
    logged()
      .slice(1)
      .map((log) => numbersOf(/(?:KV|RS) buffer size = +([\d.]+) MiB/g, log));
  const counts = () => sums().map(({ length }) => length);
  await expect.poll(counts, { timeout: 20_000 }).toEqual(contexts.map(() => buffers));
  // Some processors have part of the weights a second time, in another order (CPU_REPACK).
  const weights = numbersOf(/CPU(?:_Mapped)? model buffer size = +([\d.]+) MiB/g, logged()[0]!);
  return { weights: sumOf(weights), contexts: sums().map(sumOf) };
}

function numbersOf(pattern: RegExp, log: string): number[] {
  return Array.from(log.matchAll(pattern), ([, mib]) => Number(mib) * 2 ** 20);
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}

async function memoryOf(path: string): Promise<MemoryFacts> {
  const file = await open(path);
  const { size: sizeBytes } = await stat(path);
  const read = async (start: number, end: number) => {
    const { bytesRead, buffer } = await file.read(new Uint8Array(end - start), 0, end - start, start);
    return buffer.subarray(0, bytesRead);
  };
  const { memory } = await readGgufHeader({ path, sizeBytes, read });
  await file.close();
  return memory;
}

/** The sum that `contextMemory` describes. */
function foreseen(memory: MemoryFacts, { contextSize, sequences, batchSize, type }: Context): number {
  const { kvBytesPerToken, slidingWindow, stateBytes = 0 } = memory;
  // node-llama-cpp makes batches of models with a window one token longer.
  const kept = Math.min(contextSize, Math.ceil(((slidingWindow?.tokens ?? 0) + batchSize + 1) / 256) * 256);
  const perSequence =
    contextSize * kvBytesPerToken![type]! + kept * (slidingWindow?.kvBytesPerToken[type] ?? 0) + stateBytes;
  return sequences * perSequence;
}

describe('what is said of the memory that a model takes', () => {
  const contexts: Context[] = [
    ...cacheTypes.map((type) => ({ contextSize: 4096, sequences: 1, batchSize: 32, type })),
    { contextSize: 4096, sequences: 2, batchSize: 64, type: 'f16' },
    { contextSize: 512, sequences: 1, batchSize: 32, type: 'f16' },
  ];

  it.each<[string, () => Buffer | undefined, buffers: number]>([
    ['Gemma 3, which has a window in most layers', () => undefined, 2],
    ['other heads in every layer', headsByLayer, 1],
    ['latent attention', latentAttention, 1],
    ['states in place of keys and values', mostlyRecurrent, 2],
  ])('is what llama.cpp allocates: %s', async (what, make, buffers) => {
    const made = make();
    const path = made === undefined ? (await gemma()).path : join(folder, `${what}.gguf`);
    if (made !== undefined) await writeFile(path, made);
    const memory = await memoryOf(path);
    const { weights, contexts: sums } = await allocated(path, contexts, buffers);

    expect(Math.abs(weights - memory.weightsBytes!) / memory.weightsBytes!).toBeLessThan(0.01);
    const most = buffers * (roundingBytes + alignmentBytes);
    const others = contexts.filter((context, i) => Math.abs(sums[i]! - foreseen(memory, context)) > most);
    expect(others).toEqual([]);
  });
});
