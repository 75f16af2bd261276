import { describe, expect, inject } from 'vitest';
import { forceDeleteAnnotation, inUseFinalizer } from '../../src/controllers/labels.ts';
import { events } from '../../src/kube/builtin.ts';
import { hasFinalizer } from '../../src/kube/finalizers.ts';
import type { Live } from '../../src/kube/kind.ts';
import type { Model } from '../../src/api/model.ts';
import { kstatusOf } from '../kstatus/kstatus.ts';
import { eventually } from './eventually.ts';
import { downloading, reports, serves } from './fake-kubelet.ts';
import { it, itAlone } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, serversAsWritten, summary } from './objects.ts';
import { runRelease } from './release-program.ts';
import { weights } from './weights.ts';
import { namespaces, type World } from './world.ts';

/** A Model that a server of its name uses. */
async function inUse(world: World, name: string): Promise<Live<Model>> {
  await world.readyModel(name);
  world.kubelet.always({ server: name }, serves);
  await world.applyServer(name, { model: name, gpu: { count: 0 } });
  await world.servers.untilOne(name, isReady);
  return world.models.untilOne(name, isHeld);
}

const isHeld = (model: Live<Model>): boolean => hasFinalizer(model, inUseFinalizer);
const isTold = (model: Live<Model>): boolean => isStalled(model) && reasonOf(model) === 'InUse';
const deleteServer = (world: World, name: string): Promise<void> =>
  world.client.delete(serversAsWritten, world.ref(name));

describe.concurrent('a Model that servers use', () => {
  it('stays when it is deleted, says why, and goes with the last of them', async ({ world }) => {
    const { models, servers, claims, client } = world;
    const { status } = await inUse(world, 'used');
    const claim = status?.artifact?.claimName ?? '';
    await client.delete(...world.modelRef('used'));
    const told = await models.untilOne('used', isTold);
    expect(summary(told)).toBe('False/InUse False True');
    expect(await kstatusOf(inject('kstatus'), told)).toBe('Terminating');
    expect(conditionOf(told, 'Ready')?.message).toContain('while ModelServers use it: used.');
    expect(told.status?.artifact).toEqual(status?.artifact);
    await eventually(async () => {
      const { items } = await client.list(events, { namespace: world.namespace });
      const about = items.filter(({ regarding }) => regarding?.uid === told.metadata.uid);
      expect(about).toContainEqual(expect.objectContaining({ type: 'Warning', reason: 'InUse' }));
    });

    await world.applyServer('late', { model: 'used', gpu: { count: 0 } });
    const late = await servers.untilOne('late', isStalled);
    expect(reasonOf(late)).toBe('ModelTerminating');
    expect(world.deployments.made()).not.toContain('late');
    expect(servers.get('used')).toSatisfy(isReady);
    expect(claims.get(claim)?.metadata.deletionTimestamp).toBeUndefined();
    await models.untilOne(
      'used',
      (model) => conditionOf(model, 'Ready')?.message.includes('late, used') === true,
    );

    await deleteServer(world, 'late');
    await models.untilOne('used', (model) => conditionOf(model, 'Ready')?.message.includes('late') === false);
    await deleteServer(world, 'used');
    await models.untilGone('used');
  });

  it('goes when they have turned to another', async ({ world }) => {
    await inUse(world, 'before');
    await world.client.delete(...world.modelRef('before'));
    await world.models.untilOne('before', isTold);
    // Not as soon as the server names another: its pods read this one until that is there.
    await world.applyServer('before', { model: 'after', gpu: { count: 0 } });
    await world.servers.untilOne('before', (server) => reasonOf(server) === 'ModelNotFound');
    expect(world.models.get('before')).toSatisfy(isTold);
    await world.readyModel('after');
    await world.models.untilGone('before');
    await world.models.untilOne('after', isHeld);
  });

  it('goes at once where it is said so, and what serves it goes on', async ({ world }) => {
    await inUse(world, 'forced');
    await world.client.delete(...world.modelRef('forced'));
    await world.models.untilOne('forced', isTold);
    const metadata = { annotations: { [forceDeleteAnnotation]: 'true' } };
    await world.client.patch(...world.modelRef('forced'), { metadata });
    await world.models.untilGone('forced');
    await world.servers.untilOne('forced', (server) => reasonOf(server) === 'ModelNotFound');
    expect(world.deployments.get('forced')?.metadata.deletionTimestamp).toBeUndefined();
    await deleteServer(world, 'forced');
  });

  it('is written to once for that, when the first comes, and once when none is left', async ({ world }) => {
    const { models } = world;
    await inUse(world, 'written');
    const firstDeployment = world.deployments.get('written');
    const held = models.versions('written').find(isHeld);
    expect(BigInt(held?.metadata.resourceVersion ?? 0)).toBeLessThan(
      BigInt(firstDeployment?.metadata.resourceVersion ?? 0),
    );
    world.kubelet.always({ server: 'second' }, serves);
    await world.applyServer('second', { model: 'written', gpu: { count: 0 } });
    await world.servers.untilOne('second', isReady);
    await deleteServer(world, 'written');
    await models.untilOne('written', ({ status }) => status?.servers === 1);
    await deleteServer(world, 'second');
    const free = await models.untilOne('written', (model) => !isHeld(model));
    expect(free).toSatisfy(isReady);
    const changes = models
      .versions('written')
      .map(isHeld)
      .filter((is, i, all) => is !== all[i - 1]);
    expect(changes).toEqual([false, true, false]);
  });

  it('ends what was begun for it', async ({ world }) => {
    await inUse(world, 'edited');
    const { inspection } = weights({ revision: 'e'.repeat(40) });
    world.kubelet.plays({ model: 'edited', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('edited', { revision: 'v2' });
    const pull = await world.kubelet.next({ model: 'edited', task: 'pull' });
    await pull.starts();
    pull.says(downloading(1_000_000_000, inspection.sizeBytes));
    await world.models.untilOne('edited', ({ status }) => status?.progress?.percent === 21);
    await world.client.delete(...world.modelRef('edited'));
    const told = await world.models.untilOne('edited', isTold);
    expect(told.status?.progress).toBeUndefined();
    await world.jobs.untilGone(world.jobsOf('edited', 'pull').at(-1) ?? '');
    await deleteServer(world, 'edited');
    await world.models.untilGone('edited');
  });

  it('goes too when it is deleted in the foreground', async ({ world }) => {
    await inUse(world, 'foreground');
    await world.client.delete(...world.modelRef('foreground'), { propagationPolicy: 'Foreground' });
    await world.models.untilOne('foreground', isTold);
    await deleteServer(world, 'foreground');
    // The garbage collector takes half a minute to hear of a new kind of owner.
    await world.models.untilGone('foreground', 90_000);
  });
});

describe.concurrent('the namespace of a Model', () => {
  itAlone('goes with the server that uses it', async ({ world }) => {
    const { models, servers, claims, jobs, pods } = world;
    await inUse(world, 'served');
    await world.client.delete(namespaces, { name: world.namespace });
    for (const each of [models, servers, claims, jobs, pods]) {
      await each.until<boolean>('all is gone', () => each.all().length === 0);
    }
  });
});

describe.concurrent('without an operator', () => {
  itAlone('a Model that servers use can be deleted once it was released', async ({ world }) => {
    await inUse(world, 'orphaned');
    await world.readyModel('idle');
    await world.operator.kill();
    await world.client.delete(...world.modelRef('idle'));
    await world.models.untilGone('idle');
    await world.client.delete(...world.modelRef('orphaned'));
    await world.models.untilOne('orphaned', ({ metadata }) => metadata.deletionTimestamp !== undefined);
    const { code, said } = await runRelease(world.kubeconfig, world.namespace);
    expect(said).toContain('"released":1');
    expect(code).toBe(0);
    await world.models.untilGone('orphaned');
  });
});
