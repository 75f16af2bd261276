import { describe, expect, it } from 'vitest';
import { aModel, anArtifact, aServer } from '../../testing/objects.ts';
import type { Model } from '../../../api/model.ts';
import type { Live } from '../../../kube/kind.ts';
import type { Part } from '../parts.ts';
import { memoryRequest, needOf } from './need.ts';

const memory = { weightsBytes: 4 * 2 ** 30, kvBytesPerToken: { f16: 2 ** 17, q8_0: 2 ** 16 } };
const artifact = anArtifact({ sizeBytes: 2 ** 30 });
const small = 2 ** 30;
const part = (use: Part['use'], of: Live<Model> | undefined): Part => ({
  use,
  name: 'x',
  scale: 1,
  model: of,
});
const draft = part(
  'Draft',
  aModel(
    {},
    {
      artifact,
      memory: { weightsBytes: small, kvBytesPerToken: { f16: 2 ** 14 } },
      gguf: { contextLength: 2048 },
    },
  ),
);
const files = [{ path: 'a.gguf', sizeBytes: small / 2, sha256: 'ab'.repeat(32), role: 'adapter' as const }];
const adapter = part('Adapter', aModel({}, { artifact: anArtifact({ files }) }));
const model = aModel({}, { artifact, memory, gguf: { contextLength: 40960 } });

describe('what a replica needs', () => {
  it('is weights and context, as the header has them', () => {
    const need = needOf(aServer({ runtime: { contextSize: 4096, parallel: 2 } }), model);
    expect(need).toMatchObject({ weights: 4 * 2 ** 30, contextSize: 4096, trained: 40960 });
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

  it('is that of adapters and of a draft model too', () => {
    const runtime = { contextSize: 4096, parallel: 2, adapters: [{ modelRef: { name: 'x' } }] };
    const need = needOf(aServer({ runtime }), model, [adapter, draft]);
    expect(need).toMatchObject({ own: 4 * 2 ** 30, weights: 4 * 2 ** 30 + 1.5 * small });
    // Of the draft no more than it was trained for.
    expect(need?.context(4096)).toBe(2 * 2 * 4096 * 2 ** 17 + 2 * 2048 * 2 ** 14);
    expect(need?.context(4096, 'q8_0')).toBe(2 * 2 * 4096 * 2 ** 16 + 2 * 2048 * 2 ** 14);
    expect(need?.undrafted?.weights).toBe(4 * 2 ** 30 + 0.5 * small);
    expect(need?.undrafted?.context(4096)).toBe(2 * 2 * 4096 * 2 ** 17);
    const cpu = { gpu: { count: 0 }, runtime };
    expect(memoryRequest(aServer(cpu), model, [adapter, draft])).toBe(`${4096 + 1536 + 2048 + 64 + 256}Mi`);
  });

  it('counts the adapters that come with the model itself', () => {
    const own = aModel({}, { memory, artifact: anArtifact({ files: [...artifact.files, ...files] }) });
    expect(needOf(aServer(), own)).toMatchObject({ own: 4 * 2 ** 30, weights: 4 * 2 ** 30 + small / 2 });
  });

  it('is not known where that of the draft model is not', () => {
    for (const of of [undefined, aModel({}, { artifact }), aModel({}, { memory: { weightsBytes: 1 } })])
      expect(needOf(aServer(), model, [part('Draft', of)])).toBeUndefined();
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
