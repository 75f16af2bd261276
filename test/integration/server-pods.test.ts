import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, inject } from 'vitest';
import { reasons } from '../../src/api/reasons.ts';
import { events, persistentVolumeClaims } from '../../src/kube/builtin.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { eventually } from './eventually.ts';
import { serves } from './fake-kubelet.ts';
import { it, itAlone } from './it.ts';
import { conditionOf, isReady, reasonOf, summary } from './objects.ts';
import type { PlayedPod } from './played-pod.ts';
import type { ServerChoices } from './objects.ts';
import type { World } from './world.ts';

type WithSpec = KubeObject & { spec: object };
const quotas: Kind<WithSpec> = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  namespaced: true,
};
const priorityClasses: Kind<KubeObject & { value: number }> = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  namespaced: false,
};

const run = promisify(execFile);

/** The first pod of a server whose Model is published. */
async function podOf(world: World, name: string, choices: Partial<ServerChoices> = {}): Promise<PlayedPod> {
  await world.readyModel(name);
  await world.applyServer(name, { model: name, ...choices });
  return await world.kubelet.next({ server: name });
}

/** The server as soon as it says this, with its whole condition. */
async function told(world: World, name: string, reason: string, type: 'Scheduled' | 'Loaded') {
  const server = await world.servers.untilOne(name, (each) => reasonOf(each) === reason);
  const condition = conditionOf(server, type);
  expect(condition).toMatchObject({ status: 'False', reason });
  return { server, message: condition?.message };
}

describe.concurrent('pods of a server that are not made', () => {
  it('are told of as WriteRefused with the words of the API server, until what is missing is there', async ({
    world,
  }) => {
    const { client, servers } = world;
    const name = `class-of-${world.namespace}`;
    await world.readyModel('unranked');
    await world.applyServer('unranked', { model: 'unranked', pod: { priorityClassName: name } });
    const { server, message } = await told(world, 'unranked', 'WriteRefused', 'Scheduled');
    expect(summary(server)).toBe('False/WriteRefused False True');
    expect(message).toContain(`no PriorityClass with name ${name} was found`);
    expect(conditionOf(server, 'Loaded')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    await client.create(priorityClasses, { metadata: { name }, value: 1 });
    const pod = await world.kubelet.next({ server: 'unranked' });
    await pod.becomesReady();
    await servers.untilOne('unranked', isReady);
    await client.delete(priorityClasses, { name });
  });

  it('are told of as QuotaExceeded with the quota, and come when there is room', async ({ world }) => {
    const { client, servers } = world;
    const name = `crowd-of-${world.namespace}`;
    await client.create(priorityClasses, { metadata: { name }, value: 1 });
    // Of this server alone: others of the namespace are not to notice.
    const scopeSelector = {
      matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: [name] }],
    };
    const spec = { hard: { pods: '0' }, scopeSelector };
    await client.create(quotas, { metadata: world.ref('crowd'), spec });
    await world.readyModel('crowded');
    await world.applyServer('crowded', { model: 'crowded', pod: { priorityClassName: name } });
    const { server, message } = await told(world, 'crowded', 'QuotaExceeded', 'Scheduled');
    expect(summary(server)).toBe('False/QuotaExceeded True False');
    expect(message).toMatch(/exceeded quota: crowd/);
    await client.delete(quotas, world.ref('crowd'));
    const pod = await world.kubelet.next({ server: 'crowded' });
    await pod.becomesReady();
    await servers.untilOne('crowded', isReady);
    await client.delete(priorityClasses, { name });
  });
});

describe.concurrent('a pod of a server without a node', () => {
  it('says how much is wanted of what is lacking', async ({ world }) => {
    const pod = await podOf(world, 'greedy', { gpu: { count: 5 } });
    await pod.cannotBeScheduled(
      '0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    );
    const { server, message } = await told(world, 'greedy', 'Unschedulable', 'Scheduled');
    expect(summary(server)).toBe('False/Unschedulable True False');
    expect(message).toBe(
      `Pod ${pod.name}: none of 3 nodes can take it: 1 cordoned; 2 too little nvidia.com/gpu (5 wanted). ${reasons.Unschedulable.action}`,
    );
  });

  it('says VolumeOutOfReach where its volume is bound to a node or zone without room', async ({ world }) => {
    const pod = await podOf(world, 'elsewhere');
    await pod.cannotBeScheduled(
      '0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) had volume node affinity conflict.',
    );
    const { server, message } = await told(world, 'elsewhere', 'VolumeOutOfReach', 'Scheduled');
    expect(message).toContain(`out of reach of the volume of claim ${server.status?.model?.claimName}`);
  });

  it('says with VolumeOutOfReach all claims that it may be, and where their volumes were made', async ({
    world,
  }) => {
    const { client, kubelet } = world;
    const [base, small] = [await world.readyModel('zoned'), await world.readyModel('zoned-draft')].map(
      ({ status }) => status?.artifact?.claimName ?? '',
    );
    // As the scheduler does it, of a class whose volumes wait for their first pod.
    for (const [name, node] of [
      [base, 'node-a'],
      [small, 'node-b'],
    ] as const) {
      const annotations = { 'volume.kubernetes.io/selected-node': node };
      await client.patch(persistentVolumeClaims, world.ref(name ?? ''), { metadata: { annotations } });
    }
    const runtime = { draftModelRef: { name: 'zoned-draft' } };
    await world.applyServer('zoned', { model: 'zoned', runtime });
    const pod = await kubelet.next({ server: 'zoned' });
    await pod.cannotBeScheduled(
      '0/2 nodes are available: 2 node(s) had volume node affinity conflict. preemption: none.',
    );
    const { message } = await told(world, 'zoned', 'VolumeOutOfReach', 'Scheduled');
    expect(message).toBe(
      `Pod ${pod.name}: none of 2 nodes can take it: 2 out of reach of the volume of claim ${base} (Model "zoned", made for node node-a) or of claim ${small} (draft Model "zoned-draft", made for node node-b), each of which may be bound to a node or zone. ${reasons.VolumeOutOfReach.action}`,
    );
  });
});

describe.concurrent('replicas of a server', () => {
  it('are told of as VolumeNotShared when their volume cannot be on the nodes of all', async ({ world }) => {
    const { kubelet, servers } = world;
    const first = await podOf(world, 'apart', { replicas: 2 });
    const second = await kubelet.next({ server: 'apart' });
    await first.isBoundTo('node-a');
    await first.starts();
    await first.becomesReady();
    await second.isBoundTo('node-b');
    const { server, message } = await told(world, 'apart', 'VolumeNotShared', 'Scheduled');
    expect(summary(server)).toBe('False/VolumeNotShared True False');
    expect(message).toContain('is ReadWriteOnce: its volume can be on one node at a time');
    expect(message).toContain('pods that use it are on node-a, node-b');
    // One answers, whatever becomes of the other.
    const isAvailable = (each: typeof server) => conditionOf(each, 'Available')?.status === 'True';
    const half = await servers.untilOne('apart', isAvailable);
    expect(half.status?.ready).toBe('1/2');
    // A driver that mounts it all the same is right.
    await second.starts();
    await second.becomesReady();
    await servers.untilOne('apart', isReady);
    // Nobody on these nodes says that they are gone.
    const of = ['--kubeconfig', inject('kubeconfig'), '-n', world.namespace];
    await run(inject('kubectl'), [
      ...of,
      'delete',
      'pod',
      '--force',
      '--grace-period=0',
      first.name,
      second.name,
    ]);
  });

  it('are kept on one node for a volume that is on one at a time, and that is told', async ({ world }) => {
    const { kubelet, servers } = world;
    const first = await podOf(world, 'close', { replicas: 2 });
    const { status } = await servers.untilOne('close', (server) => server.status?.model !== undefined);
    const claim = world.claims.get(status?.model?.claimName ?? '');
    expect(claim).toBeDefined();
    const ofVolume = { 'longshore.dev/volume': claim?.metadata.uid };
    expect(first.pod.metadata.labels).toMatchObject(ofVolume);
    expect(first.spec.affinity?.podAffinity).toEqual({
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: ofVolume }, topologyKey: 'kubernetes.io/hostname' },
      ],
    });
    await serves(first);
    await serves(await kubelet.next({ server: 'close' }));
    const ready = await servers.untilOne('close', isReady);
    expect(conditionOf(ready, 'Scheduled')?.message).toBe(
      `2 of 2 pods have a node, the same for all: claim ${claim?.metadata.name} (Model "close") is on one node at a time.`,
    );
  });

  it('go where they are told to, and anywhere with a volume that many nodes may mount', async ({ world }) => {
    const podAntiAffinity = {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }],
    };
    const told = await podOf(world, 'chosen', { pod: { affinity: { podAntiAffinity } } });
    expect(told.spec.affinity).toEqual({ podAntiAffinity });
    await world.readyModel('many', undefined, { storage: { accessModes: ['ReadWriteMany'] } });
    await world.applyServer('many', { model: 'many', replicas: 2 });
    const pod = await world.kubelet.next({ server: 'many' });
    expect(pod.spec.affinity).toBeUndefined();
    expect(pod.pod.metadata.labels).not.toHaveProperty('longshore.dev/volume');
  });

  it('are told of as VolumeNotShared when a draft model is on a volume that another server has on its node', async ({
    world,
  }) => {
    const { kubelet } = world;
    const drafting = await podOf(world, 'drafting');
    await drafting.isBoundTo('node-a');
    await serves(drafting);
    await world.readyModel('drafted', undefined, { storage: { accessModes: ['ReadWriteMany'] } });
    const runtime = { draftModelRef: { name: 'drafting' } };
    await world.applyServer('drafted', { model: 'drafted', runtime });
    const pod = await kubelet.next({ server: 'drafted' });
    // It has to be where the draft model is; a scheduler that knows better does not exist here.
    expect(pod.spec.affinity?.podAffinity).toEqual(drafting.spec.affinity?.podAffinity);
    await pod.isBoundTo('node-b');
    const { message } = await told(world, 'drafted', 'VolumeNotShared', 'Scheduled');
    expect(message).toMatch(
      /^Claim \S+ \(draft Model "drafting"\) is ReadWriteOnce: .* of this server and of others that use it are on node-a, node-b\. Have draft Model "drafting" on a claim/,
    );
    const of = ['--kubeconfig', inject('kubeconfig'), '-n', world.namespace];
    const pods = [drafting.name, pod.name];
    await run(inject('kubectl'), [...of, 'delete', 'pod', '--force', '--grace-period=0', ...pods]);
  });

  it('are told of as VolumeNotShared when one pod alone may use the claim', async ({ world }) => {
    await world.readyModel('single', undefined, { storage: { accessModes: ['ReadWriteOncePod'] } });
    await world.applyServer('single', { model: 'single', replicas: 2 });
    const { server, message } = await told(world, 'single', 'VolumeNotShared', 'Scheduled');
    expect(summary(server)).toBe('False/VolumeNotShared False True');
    expect(message).toContain('(ReadWriteOncePod), and 2 replicas are wanted');
  });
});

describe.concurrent('a pod of a server with a node', () => {
  it('says MountFailed in the words of the kubelet, which stand in events alone', async ({ world }) => {
    const pod = await podOf(world, 'unmounted');
    await pod.isWarnedOf('FailedMount', 'MountVolume.SetUp failed for volume "pv": no such host');
    await pod.cannotStart('ContainerCreating', '');
    const { server, message } = await told(world, 'unmounted', 'MountFailed', 'Loaded');
    expect(summary(server)).toBe('False/MountFailed True False');
    expect(message).toBe(
      `Pod ${pod.name}: MountVolume.SetUp failed for volume "pv": no such host. ${reasons.MountFailed.action}`,
    );
    await pod.becomesReady();
    await world.servers.untilOne('unmounted', isReady);
  });

  it('says VolumeNotShared when its volume is attached to another node', async ({ world }) => {
    const pod = await podOf(world, 'attached');
    await pod.isWarnedOf('FailedAttachVolume', 'Multi-Attach error for volume "pv" Volume is already used');
    await pod.cannotStart('ContainerCreating', '');
    const { message } = await told(world, 'attached', 'VolumeNotShared', 'Loaded');
    expect(message).toContain('Multi-Attach error');
  });

  it('says PodCannotStart in the words of the kubelet', async ({ world }) => {
    const pod = await podOf(world, 'refused');
    await pod.cannotStart(
      'CreateContainerConfigError',
      'container has runAsNonRoot and image will run as root',
    );
    const { server, message } = await told(world, 'refused', 'PodCannotStart', 'Loaded');
    expect(summary(server)).toBe('False/PodCannotStart True False');
    expect(message).toContain('CreateContainerConfigError: container has runAsNonRoot');
  });

  it('says Crashed when its runtime ends without a word, and that in an event', async ({ world }) => {
    const pod = await podOf(world, 'crashing');
    await pod.starts();
    await pod.crashes({ exitCode: 139 });
    const { server, message } = await told(world, 'crashing', 'Crashed', 'Loaded');
    expect(summary(server)).toBe('False/Crashed True False');
    expect(message).toContain(`Pod ${pod.name}: the runtime ended with exit code 139`);
    await eventually(async () => {
      const fieldSelector = `regarding.uid=${server.metadata.uid}`;
      const { items } = await world.client.list(events, { namespace: world.namespace, fieldSelector });
      expect(items.map(({ type, reason }) => `${type} ${reason}`)).toContain('Warning Crashed');
    });
  });

  it('says InsufficientMemory with the limit when it is killed for its memory', async ({ world }) => {
    const resources = { limits: { memory: '2Gi' } };
    const pod = await podOf(world, 'confined', { gpu: { count: 0 }, pod: { resources } });
    await pod.starts();
    await pod.crashes({ reason: 'OOMKilled' });
    const { server, message } = await told(world, 'confined', 'InsufficientMemory', 'Loaded');
    expect(summary(server)).toBe('False/InsufficientMemory False True');
    expect(message).toContain('(OOMKilled; its limit is 2Gi)');
  });

  it('says InsufficientGPUMemory in the words of the runtime', async ({ world }) => {
    const pod = await podOf(world, 'heavy');
    await pod.starts();
    await pod.crashes({
      failure: { reason: 'InsufficientGPUMemory', message: 'needs 12.5 GiB of GPU memory' },
    });
    const { server, message } = await told(world, 'heavy', 'InsufficientGPUMemory', 'Loaded');
    expect(summary(server)).toBe('False/InsufficientGPUMemory False True');
    expect(message).toBe(
      `Pod ${pod.name}: needs 12.5 GiB of GPU memory. ${reasons.InsufficientGPUMemory.action}`,
    );
  });

  it('says NodeLost when its node does not answer, and is Ready when that is back', async ({ world }) => {
    const pod = await podOf(world, 'stranded-server');
    await pod.starts();
    await pod.becomesReady();
    await world.servers.untilOne('stranded-server', isReady);
    await pod.isLost();
    const { server } = await told(world, 'stranded-server', 'NodeLost', 'Loaded');
    expect(summary(server)).toBe('False/NodeLost True False');
    await world.servers.untilOne(
      'stranded-server',
      (each) => conditionOf(each, 'Available')?.reason === 'NoPodAnswers',
    );
    await pod.becomesReady();
    await world.servers.untilOne('stranded-server', isReady);
  });
});

describe.concurrent('a server that rolls', () => {
  it('is Available while its old pod answers, and says RollingOut until that is gone', async ({ world }) => {
    const { kubelet, servers } = world;
    const old = await podOf(world, 'turning', { runtime: { contextSize: 1024 } });
    await old.starts();
    await old.becomesReady();
    await servers.untilOne('turning', isReady);
    await world.applyServer('turning', { model: 'turning', runtime: { contextSize: 2048 } });
    const next = await kubelet.next({ server: 'turning' });
    await next.cannotBeScheduled('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.');
    const stuck = await told(world, 'turning', 'Unschedulable', 'Scheduled');
    expect(conditionOf(stuck.server, 'Available')).toMatchObject({
      status: 'True',
      message: `1 of 1 answer at http://turning.${world.namespace}.svc.`,
    });
    await next.starts();
    await next.becomesReady();
    await servers.untilOne('turning', isReady);
    const reasons = servers.versions('turning').map((each) => reasonOf(each));
    expect(reasons.lastIndexOf('Unschedulable')).toBeLessThan(reasons.lastIndexOf('Ready'));
  });
});

describe('a pod that ends while no operator is there', () => {
  itAlone('is told of by the next one', async ({ world }) => {
    const pod = await podOf(world, 'unwatched');
    await pod.starts();
    await pod.becomesReady();
    await world.servers.untilOne('unwatched', isReady);
    await world.operator.kill();
    await pod.crashes({ reason: 'OOMKilled' });
    expect(isReady(world.servers.get('unwatched')!)).toBe(true);
    await world.startOperator();
    const { server } = await told(world, 'unwatched', 'InsufficientMemory', 'Loaded');
    expect(summary(server)).toBe('False/InsufficientMemory False True');
    await pod.becomesReady();
    await world.servers.untilOne('unwatched', isReady);
  });
});
