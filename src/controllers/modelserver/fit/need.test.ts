import { describe, expect, it } from 'vitest';
import { aModel, anArtifact, aServer } from '../../testing/objects.ts';
import { memoryRequest, needOf } from './need.ts';

const memory = { weightsBytes: 4 * 2 ** 30, kvBytesPerToken: { f16: 2 ** 17, q8_0: 2 ** 16 } };
const artifact = anArtifact({ sizeBytes: 2 ** 30 });
const model = aModel({}, { artifact, memory, gguf: { contextLength: 40960 } });

describe('what a replica needs', () => {
  it('is weights and context, as the header has them', () => {
    const need = needOf(aServer({ runtime: { contextSize: 4096, parallel: 2 } }), model);
    expect(need).toMatchObject({ weights: 4 * 2 ** 30, contextSize: 4096, trained: 40960, parallel: 2 });
    expect(need?.context(4096)).toBe(2 * 4096 * 2 ** 17);
    expect(need?.context(4096, 'q8_0')).toBe(2 * 4096 * 2 ** 16);
    expect(need?.smallerTypes).toEqual(['q8_0']);
    expect(needOf(aServer({ runtime: { flashAttention: false } }), model)?.smallerTypes).toEqual([]);
    const windowed = { ...memory, slidingWindow: { tokens: 1, kvBytesPerToken: { f16: 1 } } };
    expect(needOf(aServer(), aModel({}, { memory: windowed }))?.smallerTypes).toEqual([]);
  });

  it('is that of the cache that is chosen, once more for each adapter', () => {
    const adapters = [{ modelRef: { name: 'sql' } }, { modelRef: { name: 'poems' } }];
    const runtime = { contextSize: 4096, parallel: 2, kvCacheType: 'q8_0', adapters };
    expect(needOf(aServer({ runtime }), model)?.context(4096)).toBe(3 * 2 * 4096 * 2 ** 16);
    expect(memoryRequest(aServer({ gpu: { count: 0 }, runtime }), model)).toBe(`${4096 + 1536 + 256}Mi`);
  });

  it('is not known where a part of the layers is on GPUs', () => {
    expect(needOf(aServer({ runtime: { gpuLayers: 10 } }), model)).toBeUndefined();
    expect(needOf(aServer({ gpu: { count: 0 }, runtime: { gpuLayers: 10 } }), model)).toBeDefined();
  });

  it('is the least that is served where no context is asked for', () => {
    expect(needOf(aServer(), model)?.contextSize).toBe(512);
    const short = aModel({}, { memory, gguf: { contextLength: 256 } });
    expect(needOf(aServer(), short)?.contextSize).toBe(256);
    expect(needOf(aServer(), aModel({}, { memory }))).toMatchObject({ contextSize: 512, trained: Infinity });
  });

  it('is not known where the header does not say it', () => {
    expect(needOf(aServer(), undefined)).toBeUndefined();
    expect(needOf(aServer(), aModel({}, { memory: { weightsBytes: 1 } }))).toBeUndefined();
    expect(needOf(aServer(), aModel({}, { memory: { kvBytesPerToken: {} } }))).toBeUndefined();
  });
});

describe('the memory that a replica asks for', () => {
  const cpu = { gpu: { count: 0 } };

  it('is weights, context and process on CPUs', () => {
    const asked = aServer({ ...cpu, runtime: { contextSize: 4096, parallel: 2 } });
    expect(memoryRequest(asked, model)).toBe(`${4096 + 1024 + 256}Mi`);
  });

  it('is that of the context that is usual where none is asked for', () => {
    expect(memoryRequest(aServer(cpu), model)).toBe(`${4096 + 1024 + 256}Mi`);
    const short = aModel({}, { artifact, memory, gguf: { contextLength: 2048 } });
    expect(memoryRequest(aServer(cpu), short)).toBe(`${4096 + 256 + 256}Mi`);
    expect(memoryRequest(aServer(cpu), aModel({}, { artifact, memory }))).toBe(`${4096 + 1024 + 256}Mi`);
  });

  it('goes by the size of the files where the header says nothing', () => {
    expect(memoryRequest(aServer(cpu), aModel({}, { artifact }))).toBe(`${1024 + 256}Mi`);
    expect(memoryRequest(aServer(cpu), undefined)).toBe('256Mi');
  });

  it('is a fixed amount beside GPUs, whose memory has the weights', () => {
    expect(memoryRequest(aServer(), model)).toBe('512Mi');
  });
});
