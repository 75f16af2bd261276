import type { LlamaContextOptions } from 'node-llama-cpp';
import { GgmlType } from 'node-llama-cpp';
import type { CacheType, MemoryFacts } from '../api/model-status.ts';
import type { RuntimeSettings } from '../protocols/runtime.ts';

type CacheSettings = Pick<RuntimeSettings, 'kvCacheType' | 'flashAttention' | 'swaFullCache'>;

/** How a context keeps keys and values, in the words of node-llama-cpp: of those who make it, and who estimate it. */
export function cacheOptions({ kvCacheType, flashAttention, swaFullCache }: CacheSettings) {
  const type = kvCacheType && ggmlType(kvCacheType);
  const asked = {
    ...(flashAttention !== undefined && { flashAttention }),
    ...(swaFullCache !== undefined && { swaFullCache }),
  };
  const forContext: Pick<
    LlamaContextOptions,
    'flashAttention' | 'swaFullCache' | 'experimentalKvCacheKeyType' | 'experimentalKvCacheValueType'
  > = {
    ...asked,
    ...(type !== undefined && { experimentalKvCacheKeyType: type, experimentalKvCacheValueType: type }),
  };
  const forEstimate = {
    ...asked,
    ...(type !== undefined && { kvCacheKeyType: type, kvCacheValueType: type }),
  };
  return { forContext, forEstimate };
}

const ggmlType = (type: CacheType): GgmlType => GgmlType[type.toUpperCase() as Uppercase<CacheType>];

/** Keys and values of this model cannot be kept as they are asked to be. */
export class CacheTypeRefused extends Error {
  override readonly name = 'CacheTypeRefused';
}

/**
 * llama.cpp packs elements of a quantized type in blocks, which have to end where a head does.
 * @throws CacheTypeRefused
 */
export function ensureCacheType(
  { kvBytesPerToken, slidingWindow }: MemoryFacts,
  type: CacheType | undefined,
): void {
  if (type === undefined || !kvBytesPerToken) return;
  const tables = [kvBytesPerToken, ...(slidingWindow ? [slidingWindow.kvBytesPerToken] : [])];
  if (tables.every((bytes) => bytes[type] !== undefined)) return;
  const others = Object.keys(kvBytesPerToken).filter((one) =>
    tables.every((bytes) => bytes[one as CacheType] !== undefined),
  );
  throw new CacheTypeRefused(
    `its keys and values cannot be kept as ${type}, since its attention heads are no multiple of 32 long. Set spec.runtime.kvCacheType to one of ${others.join(', ')}, or leave it out.`,
  );
}
