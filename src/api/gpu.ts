import { z } from 'zod';
import { ObjectName } from './kubernetes.ts';

const GpuVendor = z.enum(['nvidia', 'amd', 'intel']);
export type GpuVendor = z.infer<typeof GpuVendor>;

/**
 * What each vendor's device plugin calls a whole GPU, the domain of all that it advertises, and what the vendor's driver for
 * dynamic resource allocation is called.
 */
const plugins: Record<GpuVendor, { domain: string; resource: string; driver: string }> = {
  nvidia: { domain: 'nvidia.com/', resource: 'nvidia.com/gpu', driver: 'gpu.nvidia.com' },
  amd: { domain: 'amd.com/', resource: 'amd.com/gpu', driver: 'gpu.amd.com' },
  intel: { domain: 'gpu.intel.com/', resource: 'gpu.intel.com/i915', driver: 'gpu.intel.com' },
};
const domains = Object.values(plugins).map(({ domain }) => domain);
const domainsByVendor = Object.entries(plugins).map(([vendor, { domain }]) => `'${vendor}': '${domain}'`);

const DeviceClaim = z.object({
  name: z
    .string()
    .max(63)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    .describe('What the claim is called inside the pod.'),
  resourceClaimTemplateName: ObjectName.describe(
    'A ResourceClaimTemplate (resource.k8s.io) in the namespace of the ModelServer. Each replica gets a claim made from it.',
  ),
});

export const Gpu = z
  .object({
    count: z
      .int()
      .min(0)
      .max(64)
      .default(1)
      .describe(
        'GPUs per replica; 0 computes on the CPU. With resourceClaims, which bring the devices, it says how many they are.',
      ),
    vendor: GpuVendor.optional().describe(
      'Whose GPUs: it chooses the image, and the resource that is asked for: nvidia.com/gpu, amd.com/gpu or gpu.intel.com/i915. Default: by the domain of resourceName, else nvidia.',
    ),
    resourceName: z
      .string()
      .max(253)
      .regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/)
      .optional()
      .describe(
        'The extended resource to ask for, where it is not that of the vendor: a MIG slice (nvidia.com/mig-1g.10gb), a shared GPU (nvidia.com/gpu.shared), another driver (gpu.intel.com/xe).',
      ),
    resourceClaims: z
      .array(DeviceClaim)
      .max(8)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe(
        'Dynamic resource allocation: the devices come by these claims, and no extended resource is asked for.',
      ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: `!has(self.vendor) || !has(self.resourceName) || !${JSON.stringify(domains)}.exists(d, self.resourceName.startsWith(d)) || self.resourceName.startsWith({${domainsByVendor.join(', ')}}[self.vendor])`,
        message: 'resourceName is of another vendor than vendor: correct one of them, or leave vendor out',
      },
      {
        rule: '!has(self.resourceClaims) || self.resourceClaims.size() == 0 || !has(self.resourceName)',
        message: 'the devices come by resourceClaims or by resourceName: leave one of them out',
      },
      {
        rule: '!has(self.resourceClaims) || self.resourceClaims.size() == 0 || self.count > 0',
        message: 'resourceClaims bring GPUs and count is 0: leave one of them out',
      },
    ],
  })
  .describe('What each replica computes on.');
export type Gpu = z.infer<typeof Gpu>;

/** Whose GPUs a server computes on; undefined where it computes on the CPU. */
export function vendorOf({ count, vendor, resourceName }: Gpu): GpuVendor | undefined {
  if (count === 0) return undefined;
  if (vendor !== undefined) return vendor;
  const vendors = Object.keys(plugins) as GpuVendor[];
  return vendors.find((each) => resourceName?.startsWith(plugins[each].domain)) ?? 'nvidia';
}

/** The extended resource that a replica asks `count` of; undefined on the CPU, and where claims bring the devices. */
export function gpuResource(gpu: Gpu): string | undefined {
  const vendor = vendorOf(gpu);
  if (vendor === undefined || (gpu.resourceClaims ?? []).length > 0) return undefined;
  return gpu.resourceName ?? plugins[vendor].resource;
}

/** The driver whose devices the claims of a replica bring; undefined where there are none. */
export function driverOf(gpu: Gpu): string | undefined {
  const vendor = vendorOf(gpu);
  return vendor === undefined || (gpu.resourceClaims ?? []).length === 0 ? undefined : plugins[vendor].driver;
}

export function isGpuDriver(name: string): boolean {
  return Object.values(plugins).some(({ driver }) => driver === name);
}
