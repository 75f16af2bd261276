import { describe, expect } from 'vitest';
import { contentOf } from '../../src/controllers/model/source/content.ts';
import { Model } from '../../src/api/model.ts';
import { persistentVolumeClaims, type PersistentVolumeClaim } from '../../src/kube/builtin.ts';
import { controllerOf, type Live } from '../../src/kube/kind.ts';
import { downloading, fails } from './fake-kubelet.ts';
import { it } from './it.ts';
import { isReady, isStalled, reasonOf } from './objects.ts';
import { commit, weights } from './weights.ts';
import type { World } from './world.ts';

const retain = { storage: { reclaimPolicy: 'Retain' as const } };

/** Deletes a Model and waits until the garbage collector has been there. */
async function deleted(world: World, name: string): Promise<void> {
  const jobs = world.jobsOf(name);
  await world.client.delete(...world.modelRef(name));
  await world.models.untilGone(name);
  for (const job of jobs) await world.jobs.untilGone(job);
}

/** The claim that a Model has published on. */
function claimOf(world: World, model: Live<Model>): Live<PersistentVolumeClaim> {
  const claim = world.claims.get(model.status?.artifact?.claimName ?? '');
  if (!claim) throw new Error(`there is no claim of Model ${model.metadata.name}`);
  return claim;
}

const madeFor = (world: World, model: string): number =>
  world.claims.made().filter((name) => name.startsWith(`${model}-`)).length;

describe.concurrent('a Model whose claim is to be retained', () => {
  it('leaves it, and one of its name and source takes it over', async ({ world }) => {
    const first = await world.readyModel('kept', weights(), retain);
    expect(first.status?.storage?.reclaimPolicy).toBe('Retain');
    const claim = claimOf(world, first);
    expect(claim.metadata.ownerReferences).toBeUndefined();
    expect(claim.metadata.labels).toMatchObject({
      'longshore.dev/model': 'kept',
      'longshore.dev/model-uid': first.metadata.uid,
      'longshore.dev/reclaim-policy': 'Retain',
    });
    await deleted(world, 'kept');
    expect(world.claims.get(claim.metadata.name)?.metadata).toMatchObject({ uid: claim.metadata.uid });
    expect(world.claims.get(claim.metadata.name)?.metadata.deletionTimestamp).toBeUndefined();

    const second = await world.readyModel('kept', weights(), retain);
    const { claimName, claimUid } = second.status?.artifact ?? {};
    expect([claimName, claimUid]).toEqual([claim.metadata.name, claim.metadata.uid]);
    expect(second.metadata.uid).not.toBe(first.metadata.uid);
    // It is asked for and pulled again: the puller finds on the volume what is there already.
    for (const task of ['inspect', 'pull'] as const) expect(world.jobsOf('kept', task).length).toBe(2);
    expect(claimOf(world, second).metadata.labels).toMatchObject({
      'longshore.dev/model-uid': second.metadata.uid,
    });
    expect(madeFor(world, 'kept')).toBe(1);
  });

  it('has it taken over by a Model that deletes it, as large as it is', async ({ world }) => {
    const large = { storage: { ...retain.storage, size: '20Gi' } };
    const claim = claimOf(world, await world.readyModel('inherited', weights(), large));
    await deleted(world, 'inherited');
    const heir = await world.readyModel('inherited');
    const owned = await world.claims.untilOne(
      claim.metadata.name,
      (each) => controllerOf(each)?.uid === heir.metadata.uid,
    );
    expect(owned.metadata.uid).toBe(claim.metadata.uid);
    expect(owned.metadata.labels).not.toHaveProperty('longshore.dev/reclaim-policy');
    expect(owned.spec?.resources?.requests).toEqual({ storage: '20Gi' });
    await world.models.untilOne('inherited', ({ status }) => status?.storage?.reclaimPolicy === 'Delete');
    expect(world.models.get('inherited')?.status?.storage?.size).toBe('20Gi');
    await deleted(world, 'inherited');
    await world.claims.untilGone(claim.metadata.name);
  });

  it('pulls again when somebody deletes the claim, which nothing owns', async ({ world }) => {
    const { kubelet, models, client } = world;
    const claim = claimOf(world, await world.readyModel('robbed', weights(), retain));
    await client.delete(persistentVolumeClaims, world.ref(claim.metadata.name));
    await models.untilOne('robbed', ({ status }) => status?.artifact === undefined);
    const pull = await kubelet.next({ model: 'robbed', task: 'pull' });
    await pull.succeeds({ publication: weights().publication });
    const again = await models.untilOne('robbed', isReady);
    expect(again.status?.artifact?.claimUid).not.toBe(claim.metadata.uid);
  });

  it('has no claim of other content taken over, which stays as it is', async ({ world }) => {
    const claim = claimOf(world, await world.readyModel('changed', weights(), retain));
    await deleted(world, 'changed');
    const second = await world.readyModel('changed', weights(), { ...retain, repo: 'owner/other' });
    const third = weights({ revision: commit('third') });
    expect(second.status?.artifact?.claimName).not.toBe(claim.metadata.name);
    world.kubelet.provides('changed', third);
    await world.applyModel('changed', { ...retain, repo: 'owner/other', revision: 'v3' });
    await world.models.untilOne('changed', (model) => isReady(model) && model.metadata.generation === 2);
    // What a new revision has replaced goes, retained or not; what a deleted Model left does not.
    await world.claims.untilGone(second.status?.artifact?.claimName ?? '');
    expect(world.claims.get(claim.metadata.name)).toEqual(claim);
  });

  it('has no claim taken over that is kept for a Model of another name', async ({ world }) => {
    const neighbour = await world.readyModel('neighbour', weights(), retain);
    const claim = claimOf(world, neighbour);
    await deleted(world, 'neighbour');
    const lone = await world.readyModel('lone', weights(), retain);
    const content = contentOf(Model.parse(lone), lone.status!.resolved!);
    expect(claim.metadata.labels).toMatchObject({ 'longshore.dev/content': content });
    expect(lone.status?.artifact?.claimName).not.toBe(claim.metadata.name);
    expect(world.claims.get(claim.metadata.name)).toEqual(claim);
  });
});

describe.concurrent('a claim that somebody has filled', () => {
  it('is taken over when it is labelled for a Model, and then holds what the puller finds', async ({
    world,
  }) => {
    const { client } = world;
    const labels = {
      'app.kubernetes.io/managed-by': 'longshore',
      'longshore.dev/model': 'prefilled',
      'longshore.dev/reclaim-policy': 'Retain',
    };
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '6Gi' } } };
    const metadata = { ...world.ref('restored'), labels };
    const claim = await client.create(persistentVolumeClaims, { metadata, spec });
    const ready = await world.readyModel('prefilled', weights(), retain);
    expect(ready.status?.artifact).toMatchObject({ claimName: 'restored', claimUid: claim.metadata.uid });
    expect(ready.status?.storage?.size).toBe('6Gi');
    expect(madeFor(world, 'prefilled')).toBe(0);
    const content = contentOf(Model.parse(ready), ready.status!.resolved!);
    expect(world.claims.get('restored')?.metadata.labels).toMatchObject({
      ...labels,
      'longshore.dev/content': content,
      'longshore.dev/model-uid': ready.metadata.uid,
    });
  });
});

describe.concurrent('a reclaim policy that is changed', () => {
  it('moves the ownership of the claim and leaves its content alone', async ({ world }) => {
    const { models, claims } = world;
    const ready = await world.readyModel('switched');
    const { uid, name } = claimOf(world, ready).metadata;
    await world.applyModel('switched', retain);
    const kept = await claims.untilOne(name, ({ metadata }) => metadata.ownerReferences === undefined);
    expect(kept.metadata.labels).toMatchObject({ 'longshore.dev/reclaim-policy': 'Retain' });
    const said = (policy: string) =>
      models.untilOne(
        'switched',
        (model) => isReady(model) && model.status?.storage?.reclaimPolicy === policy,
      );
    await said('Retain');
    await world.applyModel('switched', { storage: { reclaimPolicy: 'Delete' } });
    const owned = await claims.untilOne(name, (claim) => controllerOf(claim)?.uid === ready.metadata.uid);
    expect(owned.metadata.labels).not.toHaveProperty('longshore.dev/reclaim-policy');
    const again = await said('Delete');
    expect(owned.metadata.uid).toBe(uid);
    expect(again.status?.artifact).toEqual(ready.status?.artifact);
    expect(world.jobsOf('switched').length).toBe(2);
    expect(madeFor(world, 'switched')).toBe(1);
  });

  it('is followed while the source cannot be resolved', async ({ world }) => {
    const { name } = claimOf(world, await world.readyModel('stuck')).metadata;
    world.kubelet.plays({ model: 'stuck', task: 'inspect' }, fails('RepoNotFound', 'No owner/gone.'));
    await world.applyModel('stuck', { ...retain, repo: 'owner/gone' });
    await world.models.untilOne(
      'stuck',
      (model) => isStalled(model) && model.status?.storage?.reclaimPolicy === 'Retain',
    );
    await deleted(world, 'stuck');
    expect(world.claims.get(name)?.metadata).not.toHaveProperty('deletionTimestamp');
  });
});

describe.concurrent('a Model that is applied again while the claim of the first ends', () => {
  it('gets a claim of its own', async ({ world }) => {
    const { kubelet, models, claims, client } = world;
    const { name } = claimOf(world, await world.readyModel('hasty')).metadata;
    await client.patch(persistentVolumeClaims, world.ref(name), { metadata: { finalizers: ['test/hold'] } });
    await deleted(world, 'hasty');
    await claims.untilOne(name, ({ metadata }) => metadata.deletionTimestamp !== undefined);
    kubelet.plays({ model: 'hasty', task: 'inspect' }, async (pod) => {
      await pod.starts();
      await pod.succeeds({ inspection: weights().inspection });
    });
    await world.applyModel('hasty', retain);
    const pull = await kubelet.next({ model: 'hasty', task: 'pull' });
    await pull.starts();
    pull.says(downloading(47_000_000, 4_700_000_000));
    const pulling = await models.untilOne('hasty', ({ status }) => status?.progress?.percent === 1);
    expect(reasonOf(pulling)).toBe('Pulling');
    expect(pulling.status?.storage?.claimName).not.toBe(name);
    await client.patch(persistentVolumeClaims, world.ref(name), { metadata: { finalizers: null } });
    await claims.untilGone(name);
  });
});
