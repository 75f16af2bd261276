import { describe, expect, it } from 'vitest';
import { contextBytes, contextsBytes, memoryInWords, weightsBytes, type Load } from './fit.ts';

describe('what a context takes', () => {
  const plain = { kvBytesPerToken: { f16: 1000 } };

  it('is its keys and values, in steps of 256 tokens', () => {
    expect(contextBytes(plain, 512, 1)).toBe(512_000);
    expect(contextBytes(plain, 513, 1)).toBe(768_000);
    expect(contextBytes(plain, 512, 4)).toBe(2_048_000);
  });

  it('is no more for layers with a window than that and a batch', () => {
    const windowed = { ...plain, slidingWindow: { tokens: 512, kvBytesPerToken: { f16: 100 } } };
    expect(contextBytes(windowed, 8192, 1)).toBe(8_192_000 + 102_400);
    expect(contextBytes(windowed, 512, 2)).toBe(2 * (512_000 + 51_200));
  });

  it('is its states', () => {
    expect(contextBytes({ ...plain, stateBytes: 7 }, 512, 2)).toBe(1_024_014);
  });

  it('is not known where the header does not say it', () => {
    expect(contextBytes({}, 8192, 4)).toBe(0);
  });

  it('is kept as another type where that is asked for', () => {
    const types = { f16: 1000, q8_0: 531 };
    const windowed = {
      kvBytesPerToken: types,
      slidingWindow: { tokens: 512, kvBytesPerToken: { f16: 100, q8_0: 53 } },
    };
    expect(contextBytes(windowed, 1024, 1, { type: 'q8_0' })).toBe(1024 * (531 + 53));
  });

  it('has all tokens of layers with a window where that is asked for', () => {
    const windowed = { ...plain, slidingWindow: { tokens: 512, kvBytesPerToken: { f16: 100 } } };
    expect(contextBytes(windowed, 8192, 1, { swaFullCache: true })).toBe(8192 * 1100);
  });
});

describe('what a server loads', () => {
  const model = { memory: { weightsBytes: 5000, kvBytesPerToken: { f16: 10, q8_0: 5 } }, sizeBytes: 6000 };
  const draft = { memory: { kvBytesPerToken: { f16: 1 } }, sizeBytes: 700, trained: 512 };
  const load: Load = { model, adapters: 0, adaptersBytes: 0, parallel: 2, cache: {} };

  it('is its weights by their headers, or by the size of the files, and those of adapters and of a draft model', () => {
    expect(weightsBytes(load)).toBe(5000);
    expect(weightsBytes({ ...load, adapters: 2, adaptersBytes: 30, draft })).toBe(5730);
  });

  it('has a context for the model and one for each adapter, kept alike', () => {
    expect(contextsBytes(load, 1024)).toBe(2 * 1024 * 10);
    const more: Load = { ...load, adapters: 2, cache: { type: 'q8_0' } };
    expect(contextsBytes(more, 1024)).toBe(3 * 2 * 1024 * 5);
    expect(contextsBytes(more, 1024, { type: 'f16' })).toBe(3 * 2 * 1024 * 10);
  });

  it('has one for the draft model, no longer than that was trained for, and always as f16', () => {
    const drafted: Load = { ...load, draft, cache: { type: 'q8_0' } };
    expect(contextsBytes(drafted, 256) - contextsBytes({ ...drafted, draft: undefined }, 256)).toBe(512);
    expect(contextsBytes(drafted, 1024) - contextsBytes({ ...drafted, draft: undefined }, 1024)).toBe(1024);
  });
});

it('memory is read in powers of two', () => {
  expect([1, 300 * 2 ** 20, 2 ** 30 - 1, 2 ** 30, 4.75 * 2 ** 30].map(memoryInWords)).toEqual([
    '1 MiB',
    '300 MiB',
    '1024 MiB',
    '1.0 GiB',
    '4.8 GiB',
  ]);
});
