import { describe, expect, it } from 'vitest';
import { Gpu } from '../../../api/gpu.ts';
import { aNode } from '../../testing/servers.ts';
import { allocatable, gpuMemory, isSelected } from './node.ts';

const gib = 2 ** 30;
const memoryOf = (gpu: object, labels: Record<string, string>) =>
  gpuMemory(aNode('n', labels), Gpu.parse(gpu));

describe('the memory of a GPU', () => {
  it('is what NVIDIA labels whole GPUs with, in MiB', () => {
    expect(memoryOf({}, { 'nvidia.com/gpu.memory': '23034' })).toBe(23034 * 2 ** 20);
  });

  it('is that of a slice where slices are asked for, and of the whole GPU where it is shared', () => {
    const labels = { 'nvidia.com/gpu.memory': '81920', 'nvidia.com/mig-1g.10gb.memory': '9728' };
    expect(memoryOf({ resourceName: 'nvidia.com/mig-1g.10gb' }, labels)).toBe(9728 * 2 ** 20);
    expect(memoryOf({ resourceName: 'nvidia.com/mig-2g.20gb' }, labels)).toBeUndefined();
    expect(memoryOf({ resourceName: 'nvidia.com/gpu.shared' }, labels)).toBe(80 * gib);
  });

  it("is AMD's whole GiB, which are rounded down", () => {
    expect(memoryOf({ vendor: 'amd' }, { 'amd.com/gpu.vram': '191G' })).toBe(192 * gib);
    expect(memoryOf({ vendor: 'amd' }, { 'amd.com/gpu.vram': 'lots' })).toBeUndefined();
  });

  it("is a share of Intel's sum over the node", () => {
    const sum = { 'gpu.intel.com/memory.max': String(32 * gib) };
    expect(memoryOf({ vendor: 'intel' }, { ...sum, 'gpu.intel.com/millicores': '2000' })).toBe(16 * gib);
    expect(memoryOf({ vendor: 'intel' }, sum)).toBe(32 * gib);
  });

  it('is not known without labels, of GPUs that share that of the machine, nor where claims bring devices', () => {
    expect(memoryOf({}, {})).toBeUndefined();
    expect(memoryOf({}, { 'nvidia.com/gpu.memory': '0' })).toBeUndefined();
    const claims = { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }] };
    expect(memoryOf(claims, { 'nvidia.com/gpu.memory': '23034' })).toBeUndefined();
    expect(memoryOf({ resourceName: 'example.com/npu' }, { 'nvidia.com/gpu.memory': '1' })).toBeUndefined();
  });
});

it('what a node has for pods is a number', () => {
  const node = aNode('n', {}, { memory: '64Gi', 'nvidia.com/gpu': '4' });
  expect([allocatable(node, 'memory'), allocatable(node, 'nvidia.com/gpu')]).toEqual([64 * gib, 4]);
  expect(allocatable(node, 'amd.com/gpu')).toBe(0);
  const { status: _, ...silent } = node;
  expect(allocatable(silent, 'memory')).toBe(0);
});

it('a node is selected by all labels that are asked for', () => {
  const node = aNode('n', { pool: 'gpu', zone: 'a' });
  expect(
    [undefined, {}, { pool: 'gpu' }, { pool: 'gpu', zone: 'a' }].map((each) => isSelected(node, each)),
  ).toEqual([true, true, true, true]);
  expect([{ pool: 'cpu' }, { pool: 'gpu', disk: 'ssd' }].map((each) => isSelected(node, each))).toEqual([
    false,
    false,
  ]);
});
