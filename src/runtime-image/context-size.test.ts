import { describe, expect, it } from 'vitest';
import { fittingContextSize, memoryLimit } from './context-size.ts';

const gibibyte = 1024 ** 3;
/** A context that takes 128 KiB for each token. */
const parts = {
  trained: 32768,
  weights: gibibyte,
  estimate: async (tokens: number) => ({ memory: tokens * 128 * 1024, onGpu: tokens * 64 * 1024 }),
};

describe('fittingContextSize', () => {
  it('takes 8192 tokens where memory is no question', async () => {
    expect(await fittingContextSize({ ...parts, memoryLimit: undefined })).toBe(8192);
  });

  it('takes what fits beside the weights', async () => {
    expect(await fittingContextSize({ ...parts, memoryLimit: 2 * gibibyte })).toBe(4096);
  });

  it('takes what GPUs have room for', async () => {
    const freeOnGpu = gibibyte / 8;
    expect(await fittingContextSize({ ...parts, memoryLimit: undefined, freeOnGpu })).toBe(2048);
  });

  it('takes no more than the model was trained for', async () => {
    expect(await fittingContextSize({ ...parts, trained: 2048, memoryLimit: undefined })).toBe(2048);
  });

  it('takes what is wanted instead, as far as it fits and the model was trained for it', async () => {
    expect(await fittingContextSize({ ...parts, wanted: 20000, memoryLimit: undefined })).toBe(20000);
    expect(await fittingContextSize({ ...parts, wanted: 100, memoryLimit: undefined })).toBe(100);
    expect(await fittingContextSize({ ...parts, wanted: 50000, memoryLimit: undefined })).toBe(32768);
    expect(await fittingContextSize({ ...parts, wanted: 32768, memoryLimit: 4 * gibibyte })).toBe(16384);
  });

  it('tries the smallest where even that should not fit', async () => {
    expect(await fittingContextSize({ ...parts, trained: 256, memoryLimit: gibibyte })).toBe(256);
    expect(await fittingContextSize({ ...parts, memoryLimit: gibibyte })).toBe(512);
  });
});

describe('memoryLimit', () => {
  it.each([
    [gibibyte, gibibyte],
    [0, 8 * gibibyte],
    [2 ** 64, 8 * gibibyte],
  ])('reads a constraint of %i on 8 GiB as %i', (constrained, limit) => {
    expect(memoryLimit(constrained, 8 * gibibyte)).toBe(limit);
  });
});
