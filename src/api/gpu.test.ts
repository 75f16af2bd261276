import { describe, expect, it } from 'vitest';
import { driverOf, Gpu, gpuResource, isGpuDriver, vendorOf } from './gpu.ts';

const of = (gpu: object) => {
  const parsed = Gpu.parse(gpu);
  return [vendorOf(parsed), gpuResource(parsed)];
};

describe('GPUs', () => {
  it.each([
    [{}, 'nvidia', 'nvidia.com/gpu'],
    [{ count: 0 }, undefined, undefined],
    [{ count: 0, vendor: 'amd' }, undefined, undefined],
    [{ vendor: 'amd' }, 'amd', 'amd.com/gpu'],
    [{ vendor: 'intel' }, 'intel', 'gpu.intel.com/i915'],
    [{ resourceName: 'gpu.intel.com/xe' }, 'intel', 'gpu.intel.com/xe'],
    [{ resourceName: 'amd.com/gpu' }, 'amd', 'amd.com/gpu'],
    [{ resourceName: 'nvidia.com/mig-1g.10gb' }, 'nvidia', 'nvidia.com/mig-1g.10gb'],
    [{ resourceName: 'example.com/gpu' }, 'nvidia', 'example.com/gpu'],
    [{ resourceName: 'example.com/gpu', vendor: 'amd' }, 'amd', 'example.com/gpu'],
    [{ resourceClaims: [{ name: 'a', resourceClaimTemplateName: 'b' }] }, 'nvidia', undefined],
  ] as const)('of %j are by %s, asked for as %s', (gpu, vendor, resource) => {
    expect(of(gpu)).toEqual([vendor, resource]);
  });

  it('that come by claims are of the driver of their vendor', () => {
    const resourceClaims = [{ name: 'a', resourceClaimTemplateName: 'b' }];
    const driver = (gpu: object) => driverOf(Gpu.parse(gpu));
    expect(driver({ resourceClaims })).toBe('gpu.nvidia.com');
    expect(driver({ resourceClaims, vendor: 'intel' })).toBe('gpu.intel.com');
    expect(driver({ vendor: 'amd' })).toBeUndefined();
    expect(['gpu.amd.com', 'compute-domain.nvidia.com'].map(isGpuDriver)).toEqual([true, false]);
  });
});
