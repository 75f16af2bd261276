import { describe, expect } from 'vitest';
import { reasons } from '../../src/api/reasons.ts';
import { nodes, resourceSlices, storageClasses } from '../../src/kube/builtin.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { gpuLabels } from '../cluster/gpus.ts';
import { serves } from './fake-kubelet.ts';
import { itInOwnCluster } from './it.ts';
import { conditionOf, isReady, reasonOf, summary } from './objects.ts';
import { weights, type Weights } from './weights.ts';
import type { World } from './world.ts';

// Nodes belong to nobody's namespace.
const it = itInOwnCluster('nodes');

/** Written in parts: a kubelet says more. */
const nodesWithStatus: Kind<KubeObject & { status: object }> = { ...nodes, schema: undefined };

const gib = 2 ** 30;
/** Of 20 GiB, and 128 KiB for each token of a context. */
const large = weights({
  revision: 'f'.repeat(40),
  memory: { weightsBytes: 20 * gib, kvBytesPerToken: { f16: 2 ** 17 } },
});

/** A node that says this of itself, as its kubelet and feature discovery do; nothing runs there. */
async function addNode(
  { client }: World,
  name: string,
  labels: Record<string, string>,
  allocatable: Record<string, string>,
): Promise<void> {
  const metadata = { name, labels };
  await client.apply(nodes, { metadata });
  await client.applyStatus(nodesWithStatus, {
    metadata: { name },
    status: { allocatable, capacity: allocatable },
  });
}

/** A Model that is Ready, on a claim that nothing makes a volume for. */
async function readyModel(world: World, name: string, content?: Weights): Promise<void> {
  const metadata = { name: 'by-hand' };
  const volumeBindingMode = 'WaitForFirstConsumer';
  const provisioner = 'test.longshore.dev/none';
  await world.client.apply(storageClasses, { metadata, provisioner, volumeBindingMode });
  await world.readyModel(name, content, { storage: { storageClassName: metadata.name } });
}

const messageOf = (server: Parameters<typeof conditionOf>[0]) => conditionOf(server, 'Scheduled')?.message;

describe('a server for which no node is large enough', () => {
  it('says NoNodeFits with what it needs and what would fit, has its pods made, and goes on when one comes', async ({
    world,
  }) => {
    const { kubelet, servers } = world;
    // Four of 22.5 GiB.
    await addNode(world, 'gpus', gpuLabels, { 'nvidia.com/gpu': '4', memory: '64Gi' });
    await readyModel(world, 'large', large);
    await world.applyServer('large', { model: 'large', runtime: { contextSize: 65536 } });
    const told = await servers.untilOne('large', (server) => reasonOf(server) === 'NoNodeFits');
    expect(summary(told)).toBe('False/NoNodeFits True False');
    expect(messageOf(told)).toBe(
      'A replica needs 28.0 GiB of GPU memory (the weights 20.0 GiB, a context of 65536 tokens for one request 8.0 GiB), and no node has more than 22.5 GiB in 1 nvidia.com/gpu. What would fit: spec.gpu.count: 2, or spec.runtime.contextSize: 16384.',
    );
    // An autoscaler acts on pods.
    const pod = await kubelet.next({ server: 'large' });
    await addNode(
      world,
      'more-gpus',
      { 'nvidia.com/gpu.memory': '81920' },
      { 'nvidia.com/gpu': '1', memory: '64Gi' },
    );
    await servers.untilOne('large', (server) => reasonOf(server) === 'Starting');
    await pod.starts();
    await pod.becomesReady();
    await servers.untilOne('large', isReady);
    await world.client.delete(nodes, { name: 'more-gpus' });

    // What happened goes before what is foreseen.
    await world.applyServer('large', { model: 'large', runtime: { contextSize: 131072 } });
    const next = await kubelet.next({ server: 'large' });
    await servers.untilOne('large', (server) => reasonOf(server) === 'NoNodeFits');
    await next.starts();
    await next.crashes({ failure: { reason: 'InsufficientGPUMemory', message: 'needs 36 GiB' } });
    await servers.untilOne('large', (server) => reasonOf(server) === 'InsufficientGPUMemory');
  });

  it('is told of what a draft model takes beside it, and that it would fit without that', async ({
    world,
  }) => {
    const { kubelet, servers } = world;
    const pool = { nodeSelector: { pool: 'drafts' } };
    const labels = { ...gpuLabels, pool: 'drafts' };
    await addNode(world, 'drafts', labels, { 'nvidia.com/gpu': '1', memory: '64Gi' });
    const draft = weights({
      revision: 'd'.repeat(40),
      memory: { weightsBytes: 2 * gib, kvBytesPerToken: { f16: 2 ** 15 } },
    });
    await readyModel(world, 'drafted', large);
    await readyModel(world, 'drafting', draft);
    const runtime = { contextSize: 8192, draftModelRef: { name: 'drafting' } };
    await world.applyServer('drafted', { model: 'drafted', runtime, pod: pool });
    const told = await servers.untilOne('drafted', (server) => reasonOf(server) === 'NoNodeFits');
    expect(messageOf(told)).toBe(
      'A replica needs 23.3 GiB of GPU memory (the weights 20.0 GiB, the draft model 2.0 GiB, a context of 8192 tokens for one request of the model and of the draft model 1.3 GiB), and no node has more than 22.5 GiB in 1 nvidia.com/gpu. What would fit: spec.runtime.contextSize: 2048, or no spec.runtime.draftModelRef.',
    );
    kubelet.always({ server: 'drafted' }, serves);
    await world.applyServer('drafted', { model: 'drafted', runtime: { contextSize: 8192 }, pod: pool });
    await servers.untilOne('drafted', isReady);
    await world.client.delete(nodes, { name: 'drafts' });
  });

  it('is told what CPUs have for pods, and asks for as much as it needs', async ({ world }) => {
    const { kubelet, servers } = world;
    await addNode(world, 'cpus', {}, { memory: '16Gi' });
    await readyModel(world, 'cpu', large);
    const pool = { nodeSelector: { pool: 'cpus' } };
    await world.applyServer('cpu', { model: 'cpu', gpu: { count: 0 }, pod: pool });
    // No node is of that pool: there may be one some time.
    const pod = await kubelet.next({ server: 'cpu' });
    expect(pod.spec.containers[0]?.resources?.requests).toEqual({ memory: `${20 * 1024 + 1024 + 256}Mi` });
    await servers.untilOne('cpu', (server) => reasonOf(server) === 'Starting');
    await addNode(world, 'cpus', { pool: 'cpus' }, { memory: '16Gi' });
    const told = await servers.untilOne('cpu', (server) => reasonOf(server) === 'NoNodeFits');
    expect(messageOf(told)).toContain('no node has more than 16.0 GiB for pods.');
    expect(messageOf(told)).toContain('What would fit: a quantization with weights of at most 15.7 GiB.');
    await addNode(world, 'cpus', { pool: 'cpus' }, { memory: '32Gi' });
    await servers.untilOne('cpu', (server) => reasonOf(server) === 'Starting');
  });

  it('is told what the devices have that come by claims, by the words of their driver', async ({ world }) => {
    const { client, kubelet, servers } = world;
    await addNode(world, 'devices', { pool: 'devices' }, { memory: '64Gi' });
    const driver = 'gpu.nvidia.com';
    const device = (memory: string) => ({
      metadata: { name: 'devices' },
      spec: {
        driver,
        nodeName: 'devices',
        pool: { name: 'devices', generation: 1, resourceSliceCount: 1 },
        devices: [{ name: 'gpu-0', capacity: { memory: { value: memory } } }],
      },
    });
    await client.apply(resourceSlices, device('24Gi'));
    await readyModel(world, 'claiming', large);
    const gpu = { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'large-gpu' }] };
    const pod = { nodeSelector: { pool: 'devices' } };
    await world.applyServer('claiming', { model: 'claiming', gpu, pod, runtime: { contextSize: 65536 } });
    const told = await servers.untilOne('claiming', (server) => reasonOf(server) === 'NoNodeFits');
    expect(messageOf(told)).toContain(
      'and no node has more than 24.0 GiB in 1 device of gpu.nvidia.com. What would fit: spec.runtime.contextSize: 32768.',
    );
    expect((await kubelet.next({ server: 'claiming' })).spec.resourceClaims).toEqual(gpu.resourceClaims);
    await client.apply(resourceSlices, device('80Gi'));
    await servers.untilOne('claiming', (server) => reasonOf(server) === 'Starting');
    await client.delete(resourceSlices, { name: 'devices' });
  });

  it('says how many GPUs the largest node has, where the scheduler finds too few', async ({ world }) => {
    const { kubelet, servers } = world;
    await addNode(world, 'gpus', gpuLabels, { 'nvidia.com/gpu': '4', memory: '64Gi' });
    await readyModel(world, 'greedy');
    await world.applyServer('greedy', { model: 'greedy', gpu: { count: 5 } });
    const pod = await kubelet.next({ server: 'greedy' });
    await pod.cannotBeScheduled('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.');
    const told = await servers.untilOne('greedy', (server) => reasonOf(server) === 'Unschedulable');
    expect(messageOf(told)).toBe(
      `Pod ${pod.name}: none of 1 node can take it: 1 too little nvidia.com/gpu (5 wanted, no node has more than 4). ${reasons.Unschedulable.action}`,
    );
  });

  it('leaves nodes alone that do not say their memory', async ({ world }) => {
    await addNode(world, 'silent', {}, { 'example.com/gpu': '1' });
    await readyModel(world, 'unknown', large);
    world.kubelet.always({ server: 'unknown' }, serves);
    await world.applyServer('unknown', {
      model: 'unknown',
      gpu: { resourceName: 'example.com/gpu' },
      runtime: { contextSize: 131072 },
    });
    await world.servers.untilOne('unknown', isReady);
    const reasons = world.servers.versions('unknown').map((server) => reasonOf(server));
    expect(reasons).not.toContain('NoNodeFits');
  });
});
