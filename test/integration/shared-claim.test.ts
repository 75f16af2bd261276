import { describe, expect } from 'vitest';
import { forceDeleteAnnotation } from '../../src/controllers/labels.ts';
import { deployments, jobs, persistentVolumeClaims } from '../../src/kube/builtin.ts';
import { fails, reports, serves } from './fake-kubelet.ts';
import { it, itAlone } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, serversAsWritten } from './objects.ts';
import { asked, leftoversOf, makeClaim, told } from './shared-claim.ts';
import { commit, weights } from './weights.ts';
import type { World } from './world.ts';

const collection = { freedBytes: 4_700_000_000, removedBlobs: 1, keptBlobs: 0 };
const on = (claimName: string) => ({ storage: { claimName } });

/** Deletes a Model; it goes at once. */
async function deleted(world: World, name: string): Promise<void> {
  await world.client.delete(...world.modelRef(name));
  await world.models.untilGone(name);
}

const nothingLeft = (world: World, model: string): Promise<true> =>
  world.jobs.until(`no leftovers of ${model}`, () => leftoversOf(world, model).length === 0);

describe.concurrent('a Model on a claim that is there', () => {
  it('is pulled onto it and served from it, and the claim stays as it is', async ({ world }) => {
    const claim = await makeClaim(world, 'one-for-all');
    const { kubelet } = world;
    kubelet.plays({ model: 'guest', task: 'inspect' }, reports({ inspection: weights().inspection }));
    await world.applyModel('guest', on('one-for-all'));
    const pull = await kubelet.next({ model: 'guest', task: 'pull' });
    expect(pull.spec.volumes).toContainEqual({
      name: 'models',
      persistentVolumeClaim: { claimName: 'one-for-all' },
    });
    // A note of what comes onto the claim, before anything does.
    const made = world.jobs.made().find((name) => /^guest-(collect|pull)-/.test(name));
    expect(made).toMatch(/^guest-collect-.*-0$/);
    const [note] = leftoversOf(world, 'guest');
    expect(note?.spec?.suspend).toBe(true);

    await pull.succeeds({ publication: weights().publication });
    const ready = await world.models.untilOne('guest', isReady);
    expect(ready.status?.artifact).toMatchObject({
      claimName: 'one-for-all',
      claimUid: claim.metadata.uid,
    });
    expect(ready.status?.storage).toMatchObject({
      claimName: 'one-for-all',
      size: '1Ti',
      reclaimPolicy: 'Delete',
    });
    await world.applyServer('guest', { model: 'guest', gpu: { count: 0 } });
    const server = await kubelet.next({ server: 'guest' });
    expect(server.spec.volumes?.[0]?.persistentVolumeClaim).toEqual({
      claimName: 'one-for-all',
      readOnly: true,
    });
    const { labels, ownerReferences, annotations } = world.claims.get('one-for-all')?.metadata ?? {};
    expect({ labels, ownerReferences, annotations }).toEqual({});
    expect(world.claims.made().filter((name) => name.startsWith('guest-'))).toEqual([]);
  });

  it('is deleted at once, and then its files are, and not those of another', async ({ world }) => {
    await makeClaim(world, 'of-two');
    await Promise.all([
      world.readyModel('stays', weights(), on('of-two')),
      world.readyModel('goes', weights(), on('of-two')),
    ]);
    const { uid } = world.models.get('goes')?.metadata ?? {};
    await deleted(world, 'goes');
    const collect = await world.kubelet.next({ model: 'goes', task: 'collect' });
    expect(asked(collect)).toEqual({ forget: { modelUid: uid, except: [] }, graceSeconds: 0 });
    expect(collect.spec.volumes).toContainEqual({
      name: 'models',
      persistentVolumeClaim: { claimName: 'of-two' },
    });
    await collect.starts();
    await collect.succeeds({ collection });
    await nothingLeft(world, 'goes');
    expect(await told(world, 'of-two', 'Collected')).toContain('Removed 1 file, 4.7GB');
    expect(leftoversOf(world, 'stays').length).toBe(1);
    expect(world.models.get('stays')).toSatisfy(isReady);
    expect(world.claims.get('of-two')?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('leaves its files there when they are to be retained, as the spec has it by then', async ({ world }) => {
    await makeClaim(world, 'of-keepers');
    const { client } = world;
    const storage = { claimName: 'of-keepers', reclaimPolicy: 'Retain' as const };
    const kept = await world.readyModel('keeper', weights(), { storage });
    expect(kept.status?.storage?.reclaimPolicy).toBe('Retain');
    expect(leftoversOf(world, 'keeper')).toEqual([]);
    const policy = (reclaimPolicy: 'Delete' | 'Retain') =>
      world.models.untilOne('keeper', ({ status }) => status?.storage?.reclaimPolicy === reclaimPolicy);
    await world.applyModel('keeper', on('of-keepers'));
    await policy('Delete');
    await world.jobs.until('a note', () => leftoversOf(world, 'keeper')[0]);
    await world.applyModel('keeper', { storage });
    await policy('Retain');
    await nothingLeft(world, 'keeper');
    await deleted(world, 'keeper');
    // Whatever comes of it came before the note of a Model that was applied later.
    await world.applyModel('later', on('of-keepers'));
    await world.jobs.until('the note of another', () => leftoversOf(world, 'later')[0]);
    expect(leftoversOf(world, 'keeper')).toEqual([]);
    await client.delete(...world.modelRef('later'));
  });

  it('has its files for as long as a server may use them, which is named', async ({ world }) => {
    await makeClaim(world, 'of-a-server');
    await world.readyModel('served', weights(), on('of-a-server'));
    world.kubelet.plays({ server: 'holder' }, serves);
    await world.applyServer('holder', { model: 'served', gpu: { count: 0 } });
    await world.servers.untilOne('holder', isReady);
    const metadata = { annotations: { [forceDeleteAnnotation]: 'true' } };
    await world.client.patch(...world.modelRef('served'), { metadata });
    await deleted(world, 'served');
    expect(await told(world, 'of-a-server', 'InUse')).toContain('holder');
    expect(leftoversOf(world, 'served').length).toBe(1);
    await world.client.delete(serversAsWritten, world.ref('holder'));
    // What the garbage collector does, which takes half a minute to hear of a new kind of owner.
    await world.client.delete(deployments, world.ref('holder'));
    const collect = await world.kubelet.next({ model: 'served', task: 'collect' });
    await collect.succeeds({ collection });
    await nothingLeft(world, 'served');
  });

  it('that is deleted and applied again finds its files before anything is removed', async ({ world }) => {
    await makeClaim(world, 'of-returners');
    const { kubelet } = world;
    const first = await world.readyModel('returns', weights(), on('of-returners'));
    await world.client.delete(...world.modelRef('returns'));
    await world.models.untilGone('returns');
    kubelet.plays({ model: 'returns', task: 'inspect' }, reports({ inspection: weights().inspection }));
    await world.applyModel('returns', on('of-returners'));
    const ask = async () => asked(await kubelet.next({ model: 'returns', task: 'collect' }));
    const pull = await kubelet.next({ model: 'returns', task: 'pull' });
    await pull.succeeds({ publication: weights().publication });
    await world.models.untilOne('returns', isReady);
    expect((await ask()).forget?.modelUid).toBe(first.metadata.uid);
  });

  it('has what a new revision replaced removed, when the server has turned to it', async ({ world }) => {
    await makeClaim(world, 'of-revisions');
    const { kubelet, models } = world;
    const first = await world.readyModel('edited', weights(), on('of-revisions'));
    await world.applyServer('turning', { model: 'edited', gpu: { count: 0 } });
    kubelet.plays({ server: 'turning' }, serves);
    await world.servers.untilOne('turning', isReady);
    const second = weights({ revision: commit('second') });
    kubelet.provides('edited', second);
    await world.applyModel('edited', { ...on('of-revisions'), revision: 'v2' });
    const { digest } = second.publication;
    const held = await models.untilOne(
      'edited',
      (model) => isReady(model) && conditionOf(model, 'Ready')?.message.includes('turning') === true,
    );
    expect(held.status?.artifact?.digest).toBe(digest);
    expect(held.status?.storage?.replaced).toEqual([first.status?.artifact?.digest]);
    const turned = await kubelet.next({ server: 'turning' });
    await serves(turned);
    const collect = await kubelet.next({ model: 'edited', task: 'collect' });
    const { uid: modelUid } = held.metadata;
    expect(asked(collect)).toEqual({ forget: { modelUid, except: [digest] }, graceSeconds: 0 });
    await collect.succeeds({ collection });
    await models.untilOne('edited', ({ status }) => status?.storage?.replaced === undefined);
    expect(models.versions('edited').at(-1)).toSatisfy(isReady);
    expect(leftoversOf(world, 'edited').length).toBe(1);
  });

  it('has its files removed when it has moved to a claim of its own', async ({ world }) => {
    await makeClaim(world, 'left-behind');
    await world.readyModel('moves', weights(), on('left-behind'));
    world.kubelet.plays({ model: 'moves', task: 'pull' }, reports({ publication: weights().publication }));
    await world.applyModel('moves');
    const collect = await world.kubelet.next({ model: 'moves', task: 'collect' });
    expect(world.models.get('moves')?.status?.artifact?.claimName).toMatch(/^moves-/);
    await collect.succeeds({ collection });
    await nothingLeft(world, 'moves');
  });

  it('has the removal tried again when it fails, and the claim tells of it', async ({ world }) => {
    await makeClaim(world, 'of-trouble');
    await world.readyModel('stubborn', weights(), on('of-trouble'));
    await deleted(world, 'stubborn');
    world.kubelet.plays(
      { model: 'stubborn', task: 'collect' },
      fails('VolumeReadOnly', 'The volume cannot be written to.'),
      reports({ collection }),
    );
    await nothingLeft(world, 'stubborn');
    expect(await told(world, 'of-trouble', 'VolumeReadOnly')).toContain('cannot be written to');
    const attempts = world.jobsOf('stubborn', 'collect').map((name) => name.at(-1));
    expect(attempts).toEqual(['0', '1', '2']);
  });

  it('leaves nothing to do when the claim goes', async ({ world }) => {
    await makeClaim(world, 'short-lived');
    await world.readyModel('robbed', weights(), on('short-lived'));
    await world.client.delete(persistentVolumeClaims, world.ref('short-lived'));
    const stalled = await world.models.untilOne('robbed', (model) => reasonOf(model) === 'ClaimNotFound');
    expect(stalled.status?.artifact).toBeUndefined();
    await nothingLeft(world, 'robbed');
  });
});

describe.concurrent('a claim that the spec names', () => {
  it('is waited for, and found when it comes', async ({ world }) => {
    await world.applyModel('early', on('not-yet'));
    const stalled = await world.models.untilOne('early', isStalled);
    expect(conditionOf(stalled, 'StorageReady')).toMatchObject({ status: 'False', reason: 'ClaimNotFound' });
    expect(conditionOf(stalled, 'Resolved')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    expect(world.jobsOf('early')).toEqual([]);
    world.kubelet.provides('early', weights());
    await makeClaim(world, 'not-yet');
    await world.models.untilOne('early', isReady);
  });

  it.for([
    ['gone-volume', 'VolumeLost', { volumeName: 'no-such-volume' }],
    ['read-only', 'VolumeReadOnly', { accessModes: ['ReadOnlyMany'] }],
  ] as const)('%s says %s', async ([name, reason, spec], { world }) => {
    const bound = { 'pv.kubernetes.io/bind-completed': 'yes' };
    const { volumeName, accessModes } = { volumeName: undefined, accessModes: undefined, ...spec };
    await makeClaim(world, name, { accessModes: [...(accessModes ?? ['ReadWriteMany'])] });
    if (volumeName !== undefined) {
      const claim = {
        metadata: { annotations: bound },
        spec: { volumeName: `${volumeName}-${world.namespace}` },
      };
      await world.client.patch(persistentVolumeClaims, world.ref(name), claim);
    }
    await world.applyModel(`on-${name}`, on(name));
    const stalled = await world.models.untilOne(
      `on-${name}`,
      (model) => conditionOf(model, 'StorageReady')?.reason === reason,
    );
    expect(stalled).toSatisfy(isStalled);
  });

  it('says ClaimTerminating while it goes, and keeps what is published', async ({ world }) => {
    await makeClaim(world, 'ending');
    await world.readyModel('on-ending', weights(), on('ending'));
    await world.client.patch(persistentVolumeClaims, world.ref('ending'), {
      metadata: { finalizers: ['test/hold'] },
    });
    await world.client.delete(persistentVolumeClaims, world.ref('ending'));
    const stalled = await world.models.untilOne('on-ending', isStalled);
    expect(reasonOf(stalled)).toBe('ClaimTerminating');
    expect(stalled.status?.artifact?.claimName).toBe('ending');
    await world.client.patch(persistentVolumeClaims, world.ref('ending'), { metadata: { finalizers: null } });
    await world.models.untilOne('on-ending', (model) => reasonOf(model) === 'ClaimNotFound');
  });

  it('is none that was made for another Model', async ({ world }) => {
    const owner = await world.readyModel('owner');
    const { claimName = '' } = owner.status?.artifact ?? {};
    await world.applyModel('intruder', on(claimName));
    const stalled = await world.models.untilOne('intruder', isStalled);
    expect(reasonOf(stalled)).toBe('ClaimOfModel');
    expect(conditionOf(stalled, 'Ready')?.message).toContain('made for Model "owner"');
    expect(world.models.get('owner')).toSatisfy(isReady);
  });
});

describe.concurrent('a Model whose weights are on a claim already', () => {
  it('is asked for and verified there, read-only, and nothing of it is ever removed', async ({ world }) => {
    const { kubelet } = world;
    const claim = await makeClaim(world, 'staged', { accessModes: ['ReadOnlyMany'] });
    await world.applyModel('staged', { volume: 'staged' });
    const readOnly = { name: 'models', persistentVolumeClaim: { claimName: 'staged', readOnly: true } };
    const inspect = await kubelet.next({ model: 'staged', task: 'inspect' });
    expect(inspect.spec.volumes).toContainEqual(readOnly);
    expect(inspect.spec.containers[0]?.volumeMounts).toContainEqual({
      name: 'models',
      mountPath: '/models',
      readOnly: true,
    });
    await inspect.succeeds({ inspection: weights().inspection });
    const pull = await kubelet.next({ model: 'staged', task: 'pull' });
    expect(pull.spec.volumes).toContainEqual(readOnly);
    const publication = { ...weights().publication, path: 'models' };
    await pull.succeeds({ publication });
    const ready = await world.models.untilOne('staged', isReady);
    expect(ready.status?.artifact).toMatchObject({
      claimName: 'staged',
      claimUid: claim.metadata.uid,
      path: 'models',
    });
    expect(ready.status?.resolved?.source).toBe('volume:staged/models');
    expect(ready.status?.storage?.reclaimPolicy).toBe('Retain');
    expect(leftoversOf(world, 'staged')).toEqual([]);
    await deleted(world, 'staged');
    expect(world.claims.get('staged')?.metadata.deletionTimestamp).toBeUndefined();
    expect(world.jobsOf('staged', 'collect')).toEqual([]);
  });
});

describe.concurrent('without an operator', () => {
  itAlone('a Model goes at once, and its files when there is one again', async ({ world }) => {
    await makeClaim(world, 'shared');
    const { uid } = (await world.readyModel('orphaned', weights(), on('shared'))).metadata;
    await world.operator.kill();
    await deleted(world, 'orphaned');
    const [note] = leftoversOf(world, 'orphaned');
    expect(note?.spec?.suspend).toBe(true);
    await world.startOperator();
    const collect = await world.kubelet.next({ model: 'orphaned', task: 'collect' });
    expect(asked(collect).forget?.modelUid).toBe(uid);
    await collect.succeeds({ collection });
    await nothingLeft(world, 'orphaned');
  });

  itAlone('a note that somebody lets run does the same', async ({ world }) => {
    await makeClaim(world, 'shared');
    const { uid } = (await world.readyModel('orphaned', weights(), on('shared'))).metadata;
    await world.operator.kill();
    await deleted(world, 'orphaned');
    const [note] = leftoversOf(world, 'orphaned');
    await world.client.patch(jobs, world.ref(note?.metadata.name ?? ''), { spec: { suspend: false } });
    const collect = await world.kubelet.next({ model: 'orphaned', task: 'collect' });
    expect(asked(collect)).toEqual({ forget: { modelUid: uid, except: [] }, graceSeconds: 0 });
  });
});
