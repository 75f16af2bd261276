import { driverOf, gpuResource, type Gpu } from '../../../api/gpu.ts';
import { memoryInWords } from '../../../gguf/fit.ts';
import type { Node, ResourceSlice } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import { allocatable, gpuMemory } from './node.ts';

/** What the GPUs that a replica asks for have, on the node where they have most. */
export interface GpuRoom {
  /** Bytes of all of them together. */
  bytes: number;
  /** The same in words, with what they are asked for as. */
  told: string;
  /** The setting that gives room for so many bytes on a node that is there, if one does. */
  moreFor: (bytes: number) => string | undefined;
}

/** Undefined where no node has so many GPUs, which is for the scheduler to say, and where one that has does not tell their memory. */
export function gpuRoom(
  gpu: Gpu,
  nodes: readonly Live<Node>[],
  slices: readonly Live<ResourceSlice>[],
): GpuRoom | undefined {
  const resource = gpuResource(gpu);
  return resource === undefined ? roomOfDevices(gpu, nodes, slices) : roomOfResource(resource, gpu, nodes);
}

/** Of an extended resource: all GPUs of a node are alike. */
function roomOfResource(resource: string, gpu: Gpu, nodes: readonly Live<Node>[]): GpuRoom | undefined {
  const enough = nodes.filter((node) => allocatable(node, resource) >= gpu.count);
  const largest = largestOf(enough.map((node) => gpuMemory(node, gpu)));
  if (largest === undefined) return undefined;
  const has = gpu.count === 1 ? memoryInWords(largest) : `${gpu.count} times ${memoryInWords(largest)}`;
  return {
    bytes: largest * gpu.count,
    told: `${has} in ${gpu.count} ${resource}`,
    moreFor: (bytes) => {
      const count = Math.ceil(bytes / largest);
      const hasSoMany = (node: Live<Node>): boolean =>
        allocatable(node, resource) >= count && gpuMemory(node, gpu) === largest;
      return nodes.some(hasSoMany) ? `spec.gpu.count: ${count}` : undefined;
    },
  };
}

/**
 * Of devices that come by claims: the largest of a node, whichever of them the template selects. The parts of a GPU stand
 * beside the whole, so that this may be more than can be had, and is never less.
 */
function roomOfDevices(
  gpu: Gpu,
  nodes: readonly Live<Node>[],
  slices: readonly Live<ResourceSlice>[],
): GpuRoom | undefined {
  const driver = driverOf(gpu);
  const ofDriver = slices.filter(({ spec }) => spec.driver === driver);
  // Devices that several nodes can reach could be added to those of any.
  if (ofDriver.some(({ spec }) => spec.nodeName === undefined)) return undefined;
  const bytes = largestOf(
    nodes.flatMap(({ metadata }) => {
      const devices = ofDriver
        .filter(({ spec }) => spec.nodeName === metadata.name)
        .flatMap(({ spec }) => spec.devices ?? []);
      if (devices.length < gpu.count) return [];
      const sizes = devices.flatMap((device) => deviceMemory(device) ?? []);
      if (sizes.length < devices.length) return [undefined];
      const most = sizes.toSorted((one, other) => other - one).slice(0, gpu.count);
      return [most.reduce((sum, size) => sum + size, 0)];
    }),
  );
  if (bytes === undefined) return undefined;
  const devices = gpu.count === 1 ? '1 device' : `${gpu.count} devices`;
  return { bytes, told: `${memoryInWords(bytes)} in ${devices} of ${driver}`, moreFor: () => undefined };
}

type Device = NonNullable<ResourceSlice['spec']['devices']>[number];

/**
 * Bytes, under the name that the drivers of NVIDIA, AMD and Intel give it; a name without a domain is one of the driver's.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
function deviceMemory({ capacity }: Device): number | undefined {
  const quantity = capacity?.['memory']?.value;
  return quantity === undefined ? undefined : parseQuantity(quantity);
}

/** Undefined where there is none, and where one is not known. */
function largestOf(sizes: readonly (number | undefined)[]): number | undefined {
  const known = sizes.filter((size) => size !== undefined);
  return known.length === 0 || known.length < sizes.length ? undefined : Math.max(...known);
}
