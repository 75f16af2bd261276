import { describe, expect, it } from 'vitest';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import type { Estimates, Files } from './room.ts';
import { contextsOf, ensureFitsOnGpu } from './room.ts';

const gib = 2 ** 30;
const settings: RuntimeSettings = { servedName: 'qwen', modelPath: '/qwen.gguf', parallel: 2, gpu: true };
const file: Files['model'] = {
  sizeBytes: 4 * gib,
  modifiedAt: new Date(0),
  facts: { contextLength: 32768 },
  memory: {},
  tensors: [],
  metadata: {},
};

/** 10 layers of 1 GiB; a token takes 1 MiB where all layers are on the GPU. */
const estimates: Estimates = {
  free: 12 * gib,
  layers: 10,
  weights: async (layers) => ({ gpuVram: layers * gib, cpuRam: 0 }),
  contexts: async (layers, tokens) => ({ gpuVram: (layers / 10) * tokens * 2 ** 20, cpuRam: 0 }),
};

const messageOf = (more: Partial<RuntimeSettings>, free = estimates.free) =>
  ensureFitsOnGpu({ ...settings, ...more }, { model: file, adaptersBytes: 0 }, { ...estimates, free }).then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : error),
  );

describe('a load onto GPUs', () => {
  it('takes all layers where nothing is said, if they fit', async () => {
    expect(await messageOf({ contextSize: 2048 })).toBeUndefined();
    expect(await messageOf({ contextSize: 2049 })).toContain('needs 12.0 GiB of GPU memory');
  });

  it('says how many layers would fit with the context that was asked for', async () => {
    // 1.4 GiB for each layer with its part of the context.
    expect(await messageOf({ contextSize: 4096 })).toContain(
      'largest context that fits: 2048; with spec.runtime.gpuLayers: 8 it would',
    );
  });

  it('takes as many layers as it is told to', async () => {
    expect(await messageOf({ contextSize: 4096, gpuLayers: 8 })).toBeUndefined();
    expect(await messageOf({ contextSize: 4096, gpuLayers: 9 })).toContain('gpuLayers: 8 it would');
  });

  it('proposes no layers where not one fits', async () => {
    expect(await messageOf({ contextSize: 4096 }, gib)).not.toContain('gpuLayers');
  });
});

describe('the contexts of a server', () => {
  it('are one for the model, and one for each adapter', () => {
    const adapter = (name: string) => ({ name, path: `/${name}.gguf`, scale: 1 });
    expect(contextsOf(settings)).toBe(1);
    expect(contextsOf({ ...settings, adapters: [adapter('sql'), adapter('poems')] })).toBe(3);
  });
});
