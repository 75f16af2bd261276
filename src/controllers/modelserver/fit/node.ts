import { gpuResource, type Gpu } from '../../../api/gpu.ts';
import type { Node } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { parseQuantity } from '../../../kube/quantity.ts';

/** How much of a resource a node has for pods: allocatable, whoever uses it now. 0 where it has none. */
export function allocatable({ status }: Live<Node>, resource: string): number {
  const quantity = status?.allocatable?.[resource];
  return quantity === undefined ? 0 : parseQuantity(quantity);
}

/** Whether spec.pod.nodeSelector lets pods onto a node. Affinity and taints are for the scheduler to judge. */
export function isSelected(
  { metadata }: Live<Node>,
  selector: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(selector).every(([label, value]) => metadata.labels?.[label] === value);
}

/**
 * The memory of one GPU of a node in bytes, at most, by the labels that vendors have put onto it; undefined where they say
 * nothing.
 *
 * - NVIDIA's GPU feature discovery: `nvidia.com/gpu.memory`, and `nvidia.com/mig-1g.10gb.memory` of slices, in MiB. A GPU that
 *   is shared may be had as a whole. https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md
 * - AMD's node labeller: `amd.com/gpu.vram`, such as 191G, in GiB, rounded down.
 *   https://github.com/ROCm/k8s-device-plugin/blob/master/cmd/k8s-node-labeller/README.md
 * - Intel's GPU plugin: `gpu.intel.com/memory.max`, all GPUs of the node in bytes, and `gpu.intel.com/millicores`, 1000 for
 *   each. https://github.com/intel/intel-device-plugins-for-kubernetes/blob/main/cmd/gpu_nfdhook/README.md
 *
 * GPUs that share the memory of the machine say 0.
 */
export function gpuMemory({ metadata }: Live<Node>, gpu: Gpu): number | undefined {
  const resource = gpuResource(gpu);
  const label = (name: string): string => metadata.labels?.[name] ?? '';
  if (resource?.startsWith('nvidia.com/')) {
    return bytes(label(`${resource.replace(/\.shared$/, '')}.memory`), 2 ** 20);
  }
  if (resource?.startsWith('amd.com/')) {
    const vram = bytes(/^(\d+)G$/.exec(label('amd.com/gpu.vram'))?.[1] ?? '', 2 ** 30);
    return vram && vram + 2 ** 30;
  }
  if (resource?.startsWith('gpu.intel.com/')) {
    const gpus = bytes(label('gpu.intel.com/millicores'), 1 / 1000) ?? 1;
    return bytes(label('gpu.intel.com/memory.max'), 1 / gpus);
  }
  return undefined;
}

function bytes(number: string, unit: number): number | undefined {
  const value = /^\d+$/.test(number) ? Number(number) * unit : 0;
  return value > 0 ? value : undefined;
}
