import { isDeepStrictEqual } from 'node:util';
import { describe, expect } from 'vitest';
import type { ModelServer } from '../../src/api/modelserver.ts';
import { events, pods as podKind } from '../../src/kube/builtin.ts';
import type { Live } from '../../src/kube/kind.ts';
import { eventually } from './eventually.ts';
import { serves } from './fake-kubelet.ts';
import { it, itAlone } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, summary } from './objects.ts';
import { runtimeImagesOf } from './operator-process.ts';
import type { PlayedPod } from './played-pod.ts';
import { commit, weights } from './weights.ts';
import type { World } from './world.ts';

const noGpu = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.';
const unloadable = { failure: { reason: 'LoadFailed' as const, message: 'unknown architecture "odd"' } };

const next = (seed: string) => weights({ revision: commit(seed) });
const rolledOut = (server: Live<ModelServer>) => conditionOf(server, 'RolledOut');
const rolls = (reason: string) => (server: Live<ModelServer>) => rolledOut(server)?.reason === reason;
const claimOf = (pod: PlayedPod) => pod.spec.volumes?.[0]?.persistentVolumeClaim?.claimName;
const imageOf = (pod: PlayedPod) => pod.spec.containers[0]?.image;

/** A server of a Model of its name, all of whose pods answer. */
async function served(
  world: World,
  name: string,
  spec: object = {},
  replicas = 1,
): Promise<Live<ModelServer>> {
  await world.readyModel(name);
  world.kubelet.plays({ server: name }, ...Array.from({ length: replicas }, () => serves));
  await world.applyServer(name, { model: name, replicas, ...spec });
  return world.servers.untilOne(name, isReady);
}

/** The Model of this name publishes other weights. */
async function publish(world: World, name: string, seed: string): Promise<string> {
  const content = next(seed);
  world.kubelet.provides(name, content);
  await world.applyModel(name, { revision: seed });
  return content.publication.digest;
}

const notesOf = async ({ client, namespace }: World, name: string, reason: string) => {
  const { items } = await client.list(events, { namespace });
  return items.filter((event) => event.regarding?.name === name && event.reason === reason);
};

describe.concurrent('a rollout to another revision', () => {
  it('surges, holds what served until it is over, and tells both digests meanwhile', async ({ world }) => {
    const { kubelet, servers, claims } = world;
    const old = (await served(world, 'surging', {}, 2)).status?.model;
    const digest = await publish(world, 'surging', 'v2');
    const pod = await kubelet.next({ server: 'surging' });
    expect(pod.pod.metadata.annotations?.['longshore.dev/model-digest']).toBe(digest);
    const rolling = await servers.untilOne('surging', rolls('Surging'));
    expect(rolling.status).toMatchObject({
      ready: '2/2',
      model: { digest },
      rollout: { strategy: 'Surge', from: old, answering: [{ digest: old?.digest, pods: 2 }] },
    });
    expect(conditionOf(rolling, 'Available')?.status).toBe('True');
    await serves(pod);
    const last = await kubelet.next({ server: 'surging' });
    const answering = [digest, old?.digest].map((each) => ({ digest: each, pods: 1 }));
    await servers.untilOne('surging', ({ status }) =>
      isDeepStrictEqual(status?.rollout?.answering, answering),
    );
    expect(claims.get(old?.claimName ?? '')?.metadata.deletionTimestamp).toBeUndefined();
    await serves(last);
    const done = await servers.untilOne('surging', (server) => isReady(server) && rolls('Succeeded')(server));
    expect(done.status?.model?.digest).toBe(digest);
    expect(done.status?.rollout).toBeUndefined();
    await claims.untilGone(old?.claimName ?? '');
  });

  it('keeps the Model of before, too, until another one has taken its place', async ({ world }) => {
    const { kubelet, servers, models, client } = world;
    await served(world, 'leaving');
    await world.readyModel('coming');
    await world.applyServer('leaving', { model: 'coming' });
    const pod = await kubelet.next({ server: 'leaving' });
    await servers.untilOne('leaving', ({ status }) => status?.rollout?.from.name === 'leaving');
    await client.delete(...world.modelRef('leaving'));
    await models.untilOne('leaving', (model) => reasonOf(model) === 'InUse');
    await pod.starts();
    await pod.becomesReady();
    await models.untilGone('leaving');
    const done = await servers.untilOne('leaving', isReady);
    expect(done.status?.model?.name).toBe('coming');
  });
});

describe.concurrent('a rollout without room for a pod more', () => {
  it('drains after the time that the spec says, and says what that means', async ({ world }) => {
    const { kubelet, servers, deployments } = world;
    await served(world, 'narrow', { rollout: { drainAfter: '1h' } });
    await publish(world, 'narrow', 'v2');
    const pod = await kubelet.next({ server: 'narrow' });
    await pod.cannotBeScheduled(noGpu);
    const surging = await servers.untilOne('narrow', (server) => reasonOf(server) === 'Unschedulable');
    expect(surging.status).toMatchObject({ ready: '1/1', rollout: { strategy: 'Surge' } });
    // How long it may wait is no part of what the pods are: the rollout goes on.
    await world.applyServer('narrow', { model: 'narrow', rollout: { drainAfter: '1s' } });
    const draining = await servers.untilOne('narrow', rolls('Draining'));
    expect(rolledOut(draining)?.message).toContain('With one replica nothing answers');
    const drained = await deployments.untilOne(
      'narrow',
      ({ spec }) => spec?.strategy?.rollingUpdate?.maxSurge === 0,
    );
    expect(drained.spec?.strategy?.rollingUpdate?.maxUnavailable).toBe(1);
    await servers.untilOne('narrow', (server) => conditionOf(server, 'Available')?.status === 'False');
    await eventually(async () => {
      const [note] = await notesOf(world, 'narrow', 'Draining');
      expect(note).toMatchObject({ type: 'Warning' });
      expect(note?.note).toContain('Insufficient nvidia.com/gpu');
    });
    await pod.starts();
    await pod.becomesReady();
    await servers.untilOne('narrow', (server) => isReady(server) && rolls('Succeeded')(server));
    // The next one surges again.
    await publish(world, 'narrow', 'v3');
    const again = await servers.untilOne('narrow', ({ status }) => status?.rollout !== undefined);
    expect(again.status?.rollout?.strategy).toBe('Surge');
  });

  it('drains two replicas one by one, and never has both away', async ({ world }) => {
    const { kubelet, servers } = world;
    await served(world, 'pair', { rollout: { strategy: 'Drain' } }, 2);
    const before = servers.versions('pair').length;
    await publish(world, 'pair', 'v2');
    for (const _ of [1, 2]) {
      const pod = await kubelet.next({ server: 'pair' });
      await servers.untilOne('pair', ({ status }) => status?.readyReplicas === 1);
      await serves(pod);
    }
    await servers.untilOne('pair', (server) => isReady(server) && rolls('Succeeded')(server));
    const answering = servers
      .versions('pair')
      .slice(before)
      .map(({ status }) => status?.readyReplicas ?? 0);
    expect(Math.min(...answering)).toBe(1);
    expect(Math.max(...answering)).toBe(2);
  });

  it('drains for a pod that has to be where the volume is, without room there', async ({ world }) => {
    const { kubelet, servers } = world;
    await served(world, 'bound', { rollout: { drainAfter: '1s' } });
    await world.applyServer('bound', {
      model: 'bound',
      rollout: { drainAfter: '1s' },
      runtime: { contextSize: 4096 },
    });
    const pod = await kubelet.next({ server: 'bound' });
    await pod.cannotBeScheduled(
      "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match pod affinity rules.",
    );
    await servers.untilOne('bound', rolls('Draining'));
    await serves(pod);
    const over = await servers.untilOne('bound', (each) => isReady(each) && rolls('Succeeded')(each));
    const told = servers.versions('bound').map((each) => conditionOf(each, 'Scheduled')?.message ?? '');
    expect(told.join()).toContain(
      `not where the volume of claim ${over.status?.model?.claimName} (Model "bound") is, with the pods that use it`,
    );
  });

  it('drains from the beginning where one pod alone may use the volume', async ({ world }) => {
    const { kubelet, servers } = world;
    const content = weights();
    await world.readyModel('lone', content, { storage: { accessModes: ['ReadWriteOncePod'] } });
    kubelet.always({ server: 'lone' }, serves);
    await world.applyServer('lone', { model: 'lone' });
    await servers.untilOne('lone', isReady);
    await world.applyServer('lone', { model: 'lone', runtime: { contextSize: 4096 } });
    await servers.untilOne(
      'lone',
      (each) => isReady(each) && rolls('Succeeded')(each) && each.metadata.generation === 2,
    );
    expect(servers.versions('lone').some(rolls('Draining'))).toBe(true);
    expect(servers.versions('lone').some(rolls('Surging'))).toBe(false);
  });

  it('does not drain for what an old pod that stops would not change', async ({ world }) => {
    const { kubelet, servers } = world;
    await served(world, 'tainted', { rollout: { drainAfter: '1s', progressDeadline: '10s' } });
    await publish(world, 'tainted', 'v2');
    await (
      await kubelet.next({ server: 'tainted' })
    ).cannotBeScheduled('0/1 nodes are available: 1 node(s) had untolerated taint {gpu: none}.');
    const back = await servers.untilOne('tainted', rolls('RolledBack'));
    expect(servers.versions('tainted').some(rolls('Draining'))).toBe(false);
    expect(back.status?.ready).toBe('1/1');
    expect(rolledOut(back)?.message).toContain('stood still for 10s. Unschedulable: Pod');
  });
});

describe.concurrent('a revision that does not come to serve', () => {
  it('is rolled back, told, and not tried again until something changes', async ({ world }) => {
    const { kubelet, servers, claims, deployments } = world;
    const old = (await served(world, 'bad')).status?.model;
    await publish(world, 'bad', 'v2');
    const pod = await kubelet.next({ server: 'bad' });
    await pod.starts();
    await pod.crashes(unloadable);
    await servers.untilOne('bad', (server) => reasonOf(server) === 'LoadFailed');
    await pod.crashes(unloadable, 3);
    const back = await servers.untilOne('bad', (server) => reasonOf(server) === 'RolledBack');
    expect(summary(back)).toBe('False/RolledBack False True');
    expect(rolledOut(back)?.message).toContain('LoadFailed: Pod');
    expect(rolledOut(back)?.message).toContain('unknown architecture "odd"');
    expect(back.status).toMatchObject({ ready: '1/1', model: old });
    expect(conditionOf(back, 'Available')?.status).toBe('True');
    expect(claims.get(old?.claimName ?? '')?.metadata.deletionTimestamp).toBeUndefined();
    await eventually(async () => expect(await notesOf(world, 'bad', 'RolledBack')).not.toEqual([]));

    // Looked at again, it stays as it is.
    const { generation } = deployments.get('bad')?.metadata ?? {};
    const rollout = { strategy: 'Surge' as const };
    await world.applyServer('bad', { model: 'bad', rollout });
    await servers.untilOne(
      'bad',
      (server) => isStalled(server) && server.metadata.generation !== back.metadata.generation,
    );
    expect(deployments.get('bad')?.metadata.generation).toBe(generation);

    kubelet.plays({ server: 'bad' }, serves);
    await publish(world, 'bad', 'v3');
    const good = await servers.untilOne('bad', isReady);
    expect(good.status?.model?.digest).toBe(next('v3').publication.digest);
  });

  it('is tried again when somebody asks for it', async ({ world }) => {
    const { kubelet, servers } = world;
    await served(world, 'again');
    await world.applyServer('again', { model: 'again', runtime: { contextSize: 4096 } });
    const pod = await kubelet.next({ server: 'again' });
    await pod.starts();
    await pod.crashes(unloadable, 3);
    await servers.untilOne('again', (server) => reasonOf(server) === 'RolledBack');
    await world.rollAt('again', 'now');
    const tried = await kubelet.next({ server: 'again' });
    expect(tried.spec.containers[0]?.env?.[0]?.value).toContain('"contextSize":4096');
    await serves(tried);
    await servers.untilOne('again', (server) => isReady(server) && rolls('Succeeded')(server));
  });

  it('of a server that never served has nothing to go back to', async ({ world }) => {
    await world.readyModel('never');
    await world.applyServer('never', { model: 'never' });
    const pod = await world.kubelet.next({ server: 'never' });
    await pod.starts();
    await pod.crashes(unloadable, 5);
    const failed = await world.servers.untilOne('never', isStalled);
    expect(summary(failed)).toBe('False/LoadFailed False True');
    await pod.becomesReady();
    await world.servers.untilOne('never', isReady);
  });
});

describe.concurrent('an upgrade of the operator', () => {
  itAlone(
    'leaves servers on GPUs alone until somebody asks, and replaces those on CPUs',
    async ({ world }) => {
      const { kubelet, servers } = world;
      const [one, two] = [runtimeImagesOf('1'), runtimeImagesOf('2')];
      await served(world, 'gpu');
      await served(world, 'cpu', { gpu: { count: 0 } });
      expect(servers.get('gpu')?.status?.runtime).toEqual({ image: one.cuda, vendor: 'nvidia' });
      await world.operator.stop();
      await world.startOperator(undefined, '2');

      const pod = await kubelet.next({ server: 'cpu' });
      expect(imageOf(pod)).toBe(two.cpu);
      await serves(pod);
      await servers.untilOne('cpu', (server) => isReady(server) && server.status?.runtime?.image === two.cpu);
      const outdated = await servers.untilOne(
        'gpu',
        (server) => conditionOf(server, 'RuntimeCurrent')?.reason === 'RuntimeOutdated',
      );
      expect(isReady(outdated)).toBe(true);
      expect(outdated.status?.runtime).toEqual({ image: one.cuda, vendor: 'nvidia', available: two.cuda });
      const ofGpu = { namespace: world.namespace, labelSelector: 'longshore.dev/server=gpu' };
      expect((await world.client.list(podKind, ofGpu)).items).toHaveLength(1);

      // Another revision brings no other runtime with it.
      await publish(world, 'gpu', 'v2');
      const same = await kubelet.next({ server: 'gpu' });
      expect(imageOf(same)).toBe(one.cuda);
      await serves(same);
      await servers.untilOne('gpu', (server) => isReady(server) && rolls('Succeeded')(server));

      // One that cannot serve is taken back, and the server is what its spec asks for.
      await world.rollAt('gpu', 'first');
      const bad = await kubelet.next({ server: 'gpu' });
      expect(imageOf(bad)).toBe(two.cuda);
      await bad.starts();
      await bad.crashes(unloadable, 3);
      const kept = await servers.untilOne(
        'gpu',
        (server) => isReady(server) && conditionOf(server, 'RuntimeCurrent')?.reason === 'RolledBack',
      );
      expect(kept.status?.runtime?.image).toBe(one.cuda);

      await world.rollAt('gpu', 'second');
      const moved = await kubelet.next({ server: 'gpu' });
      expect(imageOf(moved)).toBe(two.cuda);
      await serves(moved);
      await servers.untilOne(
        'gpu',
        (server) => isReady(server) && conditionOf(server, 'RuntimeCurrent')?.status === 'True',
      );
    },
  );

  itAlone('in the middle of a rollout goes on with it as it was', async ({ world }) => {
    const { kubelet, servers, deployments } = world;
    const old = await served(world, 'amid', { rollout: { drainAfter: '1s' } });
    await publish(world, 'amid', 'v2');
    const pod = await kubelet.next({ server: 'amid' });
    await pod.cannotBeScheduled(noGpu);
    const draining = await servers.untilOne('amid', rolls('Draining'));
    const { generation } = await deployments
      .untilOne('amid', ({ spec }) => spec?.strategy?.rollingUpdate?.maxSurge === 0)
      .then(({ metadata }) => metadata);
    await world.operator.kill();
    await pod.starts();
    await world.startOperator(undefined, '2');
    await servers.untilOne('amid', ({ status }) => status?.runtime?.available !== undefined);
    expect(deployments.get('amid')?.metadata.generation).toBe(generation);
    expect(draining.status?.rollout?.from).toEqual(old.status?.model);
    // What served before is still there to come back.
    await pod.crashes(unloadable, 3);
    const back = await kubelet.next({ server: 'amid' });
    expect(claimOf(back)).toBe(old.status?.model?.claimName);
    await serves(back);
    const told = await servers.untilOne('amid', (server) => reasonOf(server) === 'RolledBack');
    expect(told.status).toMatchObject({ ready: '1/1', model: old.status?.model });
  });
});
