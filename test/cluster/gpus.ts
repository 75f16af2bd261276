import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';

/** GPUs that the scheduler and the kubelet count, though there is no device: a container computes on its CPU. */
const pretendGpus = { count: 4, product: 'NVIDIA-L4', memoryMiB: 23034 };

/** Those of NVIDIA's GPU feature discovery that say what a node has: https://github.com/NVIDIA/k8s-device-plugin */
export const gpuLabels: Record<string, string> = {
  'nvidia.com/gpu.present': 'true',
  'nvidia.com/gpu.count': `${pretendGpus.count}`,
  'nvidia.com/gpu.replicas': '1',
  'nvidia.com/gpu.product': pretendGpus.product,
  'nvidia.com/gpu.family': 'ada-lovelace',
  'nvidia.com/gpu.memory': `${pretendGpus.memoryMiB}`,
  'nvidia.com/gpu.compute.major': '8',
  'nvidia.com/gpu.compute.minor': '9',
};

/**
 * Gives every node its pretend GPUs. The kubelet keeps a capacity it does not know in its status updates.
 */
export async function addGpus(kubeconfig: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(CoreV1Api);
  const strategicMerge = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
  const resources = { 'nvidia.com/gpu': `${pretendGpus.count}` };
  for (const { metadata } of (await core.listNode()).items) {
    const name = metadata?.name ?? '';
    await core.patchNode({ name, body: { metadata: { labels: gpuLabels } } }, strategicMerge);
    const status = { capacity: resources, allocatable: resources };
    await core.patchNodeStatus({ name, body: { status } }, strategicMerge);
  }
}
