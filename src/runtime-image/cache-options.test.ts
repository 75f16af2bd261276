import { GgmlType } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { cacheTypes } from '../api/model-status.ts';
import { cacheOptions, CacheTypeRefused, ensureCacheType } from './cache-options.ts';

describe('the options of a context', () => {
  it('leave to llama.cpp what nobody chose', () => {
    expect(cacheOptions({})).toEqual({ forContext: {}, forEstimate: {} });
  });

  it('have keys and values of one type', () => {
    const { forContext, forEstimate } = cacheOptions({ kvCacheType: 'q8_0', flashAttention: true });
    expect(forContext).toEqual({
      flashAttention: true,
      experimentalKvCacheKeyType: GgmlType.Q8_0,
      experimentalKvCacheValueType: GgmlType.Q8_0,
    });
    expect(forEstimate).toEqual({
      flashAttention: true,
      kvCacheKeyType: GgmlType.Q8_0,
      kvCacheValueType: GgmlType.Q8_0,
    });
  });

  it('know each type by its name', () => {
    for (const kvCacheType of cacheTypes) {
      expect(cacheOptions({ kvCacheType }).forEstimate.kvCacheKeyType).toBeTypeOf('number');
    }
  });
});

describe('a type of the cache', () => {
  const memory = {
    kvBytesPerToken: { f16: 1000, q8_0: 531 },
    slidingWindow: { tokens: 512, kvBytesPerToken: { f16: 100 } },
  };

  it('is refused where blocks would reach over a head, with those that would not', () => {
    expect(() => ensureCacheType(memory, 'q8_0')).toThrow(CacheTypeRefused);
    expect(() => ensureCacheType(memory, 'q8_0')).toThrow('kvCacheType to one of f16, or leave it out');
  });

  it('is taken where it fits, and where that is not known', () => {
    expect(() => ensureCacheType(memory, 'f16')).not.toThrow();
    expect(() => ensureCacheType({ kvBytesPerToken: memory.kvBytesPerToken }, 'q8_0')).not.toThrow();
    expect(() => ensureCacheType({}, 'q8_0')).not.toThrow();
    expect(() => ensureCacheType(memory, undefined)).not.toThrow();
  });
});
