import { describe, expect, it } from 'vitest';
import { fittingContextSize, memoryLimit } from './context-size.ts';

const gibibyte = 1024 ** 3;
/** A context that takes 128 KiB for each token. */
const parts = { trained: 32768, weights: gibibyte, estimate: async (tokens: number) => tokens * 128 * 1024 };

describe('fittingContextSize', () => {
  it('takes 8192 tokens where memory is no question', async () => {
    expect(await fittingContextSize({ ...parts, memoryLimit: undefined })).toBe(8192);
  });

  it('takes what fits beside the weights', async () => {
    expect(await fittingContextSize({ ...parts, memoryLimit: 2 * gibibyte })).toBe(4096);
  });

  it('takes no more than the model was trained for', async () => {
    expect(await fittingContextSize({ ...parts, trained: 2048, memoryLimit: undefined })).toBe(2048);
  });

  it('tries the smallest where even that should not fit', async () => {
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
