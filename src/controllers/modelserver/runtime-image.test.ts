import { expect, it } from 'vitest';
import { runtimeImage } from './runtime-image.ts';

const images = { cpu: 'runtime:1', cuda: 'runtime:1-cuda', vulkan: 'runtime:1-vulkan' };

it.each([
  ['no GPU', { count: 0 }, 'runtime:1'],
  ['no GPU of a vendor', { count: 0, vendor: 'nvidia' }, 'runtime:1'],
  ['a GPU', { count: 1 }, 'runtime:1-cuda'],
  ['a slice of one', { count: 1, resourceName: 'nvidia.com/mig-1g.10gb' }, 'runtime:1-cuda'],
  ['a GPU of AMD', { count: 2, vendor: 'amd' }, 'runtime:1-vulkan'],
  ['a GPU of Intel', { count: 1, resourceName: 'gpu.intel.com/xe' }, 'runtime:1-vulkan'],
] as const)('a server that asks for %s gets the image for it', (_what, gpu, image) => {
  expect(runtimeImage(gpu, images)).toBe(image);
});
