import { describe, expect, it } from 'vitest';
import type { Fit } from './fit.ts';
import { DoesNotFit, ensureFits, freeMemory } from './fit.ts';

const gib = 2 ** 30;
const kib = 2 ** 10;

/** A context that takes 256 KiB for each token. */
const fit: Fit = {
  place: 'memory',
  free: 7.6 * gib,
  weights: 4.5 * gib,
  context: (tokens) => tokens * 256 * kib,
  trained: 131072,
  parallel: 1,
};

const messageOf = (more: Partial<Fit>) =>
  ensureFits({ ...fit, ...more }).then(
    () => undefined,
    (error: unknown) => (error instanceof DoesNotFit ? error.message : error),
  );

describe('a load', () => {
  it('fits up to the last byte', async () => {
    expect(await messageOf({ contextSize: 8192, free: 6.5 * gib })).toBeUndefined();
    expect(await messageOf({ contextSize: 8192, free: 6.5 * gib - 1 })).toContain('needs 6.5 GiB');
  });

  it('says what it needs, and which context would fit', async () => {
    expect(await messageOf({ contextSize: 27443 })).toBe(
      'needs 11.2 GiB of memory (the weights 4.5 GiB, a context of 27443 tokens for one request 6.7 GiB), free 7.6 GiB; largest context that fits: 8192',
    );
  });

  it('says so of GPUs too', async () => {
    const message = await messageOf({ contextSize: 32768, place: 'GPU memory', parallel: 4 });
    expect(message).toContain('needs 12.5 GiB of GPU memory');
    expect(message).toContain('for each of 4 requests');
  });

  it('says when no context fits', async () => {
    expect(await messageOf({ contextSize: 4096, free: 4.5 * gib })).toContain('; no context fits');
    expect(await messageOf({ free: 0.5 * gib })).toBe(
      'needs 4.6 GiB of memory (the weights 4.5 GiB, a context of 512 tokens for one request 128 MiB), free 512 MiB; no context fits',
    );
  });

  it('proposes no more than the model was trained for', async () => {
    expect(await messageOf({ contextSize: 65536, trained: 2048 })).toContain(
      'largest context that fits: 2048',
    );
  });

  it('asks for the smallest context where none was asked for', async () => {
    expect(await messageOf({ free: 4.7 * gib })).toBeUndefined();
    expect(await messageOf({ trained: 256, free: 4.5 * gib })).toContain('a context of 256 tokens');
  });
});

describe('the memory that is free', () => {
  it('is what the limit leaves, as far as the machine has it', () => {
    const status = 'VmRSS:\t  300000 kB\nRssAnon:\t  102400 kB\nRssFile:\t  200000 kB\n';
    expect(freeMemory({ limit: gib, available: 9 * gib, status })).toBe(gib - 102400 * kib);
    expect(freeMemory({ limit: gib, available: gib / 2, status })).toBe(gib / 2);
    expect(freeMemory({ limit: kib, available: gib, status })).toBe(0);
    expect(freeMemory({ limit: gib, available: 9 * gib, status: undefined })).toBe(gib);
  });
});
