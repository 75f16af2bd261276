import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, inject } from 'vitest';
import { reasons } from '../../src/api/reasons.ts';
import { persistentVolumeClaims } from '../../src/kube/builtin.ts';
import { serves } from './fake-kubelet.ts';
import { it } from './it.ts';
import { conditionOf, isReady, summary } from './objects.ts';
import { podOf, told } from './server-pods.ts';

const run = promisify(execFile);

describe.concurrent('the volume of a pod', () => {
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

  it('says VolumeNotShared when its volume is attached to another node', async ({ world }) => {
    const pod = await podOf(world, 'attached');
    await pod.isWarnedOf('FailedAttachVolume', 'Multi-Attach error for volume "pv" Volume is already used');
    await pod.cannotStart('ContainerCreating', '');
    const { message } = await told(world, 'attached', 'VolumeNotShared', 'Loaded');
    expect(message).toContain('Multi-Attach error');
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
