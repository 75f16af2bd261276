import { describe, expect } from 'vitest';
import type { Model } from '../../src/api/model.ts';
import {
  persistentVolumeClaims,
  storageClasses,
  type PersistentVolumeClaim,
  type StorageClass,
} from '../../src/kube/builtin.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Kind, KubeObject, Live } from '../../src/kube/kind.ts';
import { reports } from './fake-kubelet.ts';
import { itInOwnCluster } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, summary } from './objects.ts';
import { enforceQuota, quotas } from './quota.ts';
import { weights } from './weights.ts';
import type { World } from './world.ts';

const persistentVolumes: Kind<KubeObject & { spec: object }> = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  namespaced: false,
};

// A default class would change what all other tests see.
const it = itInOwnCluster('storage');

const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });

/** A class that nothing makes volumes for. */
async function createClass(
  client: KubeClient,
  name: string,
  more: Partial<StorageClass> = {},
): Promise<void> {
  const metadata = { name, ...more.metadata };
  const volumeBindingMode = 'WaitForFirstConsumer';
  await client.create(storageClasses, {
    provisioner: 'test.longshore.dev/none',
    volumeBindingMode,
    ...more,
    metadata,
  });
}

/** A volume that was made by hand, of a class that need not exist. */
async function createVolume(client: KubeClient, name: string, storageClassName: string): Promise<void> {
  const spec = {
    storageClassName,
    capacity: { storage: '2Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: '/var/empty/none' },
  };
  await client.create(persistentVolumes, { metadata: { name }, spec });
}

/** A Model that was inspected, and is about to get its volume. */
async function applyInspected(
  world: World,
  name: string,
  storage?: { storageClassName: string; size?: string },
): Promise<void> {
  world.kubelet.plays({ model: name, task: 'inspect' }, reports({ inspection }));
  await world.applyModel(name, { ...(storage && { storage }) });
}

async function pullToReady(world: World, name: string): Promise<Live<Model>> {
  const pull = await world.kubelet.next({ model: name, task: 'pull' });
  await pull.starts();
  await pull.succeeds({ publication });
  return world.models.untilOne(name, isReady);
}

const lacksClass = (model: Live<Model>): boolean =>
  isStalled(model) && reasonOf(model) === 'StorageClassNotFound';
const message = (model: Live<Model>): string => conditionOf(model, 'StorageReady')?.message ?? '';
const claimOf = ({ status }: Live<Model>): string => status?.storage?.claimName ?? '';
const isDefault = (is: boolean) => ({ 'storageclass.kubernetes.io/is-default-class': String(is) });

describe.concurrent('a Model whose StorageClass does not exist', () => {
  it('says so, and goes on as soon as it does', async ({ world }) => {
    const { client, models, claims } = world;
    await createClass(client, 'slow');
    await applyInspected(world, 'early', { storageClassName: 'fast' });
    const stalled = await models.untilOne('early', isStalled);
    expect(summary(stalled)).toBe('False/StorageClassNotFound False True');
    expect(message(stalled)).toMatch(
      / is for StorageClass fast, which does not exist: the cluster has .*slow/,
    );
    expect(claims.get(claimOf(stalled))?.spec?.storageClassName).toBe('fast');
    expect(world.jobsOf('early', 'pull')).toEqual([]);

    await createClass(client, 'medium');
    await models.untilOne('early', (model) => message(model).includes('medium'));
    await createClass(client, 'fast');
    const ready = await pullToReady(world, 'early');
    expect(claims.get(claimOf(ready))?.metadata.uid).toBe(stalled.status?.storage?.claimUid);
  });

  it('goes on too when its claim gets a volume made by hand, and need not say so when that is there', async ({
    world,
  }) => {
    const { client, models } = world;
    await createVolume(client, 'before', 'manual-before');
    await applyInspected(world, 'bound', { storageClassName: 'manual-before' });
    const bound = await pullToReady(world, 'bound');
    expect(message(bound)).toBe(`Claim ${claimOf(bound)} is bound to before.`);
    expect(models.versions('bound').filter(lacksClass)).toEqual([]);

    await applyInspected(world, 'waiting', { storageClassName: 'manual-after' });
    await models.untilOne('waiting', lacksClass);
    await createVolume(client, 'after', 'manual-after');
    const ready = await pullToReady(world, 'waiting');
    expect(message(ready)).toBe(`Claim ${claimOf(ready)} is bound to after.`);
  });

  it('gets another claim when its spec is mended, for nothing was on the first', async ({ world }) => {
    const { client, models, claims } = world;
    await createClass(client, 'right');
    await applyInspected(world, 'misspelt', { storageClassName: 'rihgt' });
    const { status } = await models.untilOne('misspelt', lacksClass);
    await world.applyModel('misspelt', { storage: { storageClassName: 'right' } });
    const ready = await pullToReady(world, 'misspelt');
    expect(ready.status?.storage?.claimUid).not.toBe(status?.storage?.claimUid);
    expect(claims.get(claimOf(ready))?.spec?.storageClassName).toBe('right');
    expect(models.versions('misspelt').map(reasonOf)).not.toContain('WriteRefused');
  });
});

describe.concurrent('a Model whose volume is to be larger', () => {
  /** A Model on a volume of 2Gi of a class of its name. */
  async function onVolume(world: World, name: string, allowVolumeExpansion: boolean): Promise<Live<Model>> {
    await createClass(world.client, name, { allowVolumeExpansion, volumeBindingMode: 'Immediate' });
    await createVolume(world.client, `volume-${name}`, name);
    await applyInspected(world, name, { storageClassName: name });
    await pullToReady(world, name);
    return world.models.untilOne(name, (model) => message(model).endsWith(`is bound to volume-${name}.`));
  }

  const asks = ({ spec }: PersistentVolumeClaim): unknown => spec?.resources?.requests?.['storage'];
  const stored = (model: Live<Model> | undefined) => conditionOf(model, 'StorageReady');

  it('has its claim enlarged, says so meanwhile, and is Ready all the time', async ({ world }) => {
    const { client, models, claims } = world;
    const { status } = await onVolume(world, 'elastic', true);
    await world.applyModel('elastic', { storage: { storageClassName: 'elastic', size: '3Gi' } });
    const growing = await models.untilOne('elastic', (model) => stored(model)?.reason === 'Resizing');
    expect(stored(growing)?.message).toContain('is being enlarged from 2Gi to 3Gi');
    expect(growing).toSatisfy(isReady);
    const name = claimOf(growing);
    await claims.untilOne(name, (claim) => asks(claim) === '3Gi');

    // What a resizer says.
    const pending = { type: 'FileSystemResizePending', status: 'True', lastTransitionTime: null };
    const say = (told: object) =>
      client.applyStatus<PersistentVolumeClaim>(
        persistentVolumeClaims,
        { metadata: world.ref(name), status: told },
        { fieldManager: 'resizer' },
      );
    await say({ conditions: [pending] });
    await models.untilOne('elastic', (model) => stored(model)?.message.includes('mounts it next') === true);
    await say({ capacity: { storage: '3Gi' } });
    const grown = await models.untilOne('elastic', (model) => stored(model)?.reason === 'Succeeded');
    expect(grown.status).toMatchObject({ artifact: status?.artifact, storage: { size: '3Gi' } });
    expect(world.jobsOf('elastic', 'pull')).toHaveLength(1);
    const versions = models.versions('elastic');
    const later = versions.slice(versions.findIndex(isReady));
    expect(later.filter((model) => conditionOf(model, 'Ready')?.status !== 'True')).toEqual([]);
  });

  it('stays Ready where its class does not allow it, says so, and has it enlarged when it does', async ({
    world,
  }) => {
    const { client, models, claims } = world;
    const { status } = await onVolume(world, 'rigid', false);
    await world.applyModel('rigid', { storage: { storageClassName: 'rigid', size: '3Gi' } });
    const refused = await models.untilOne(
      'rigid',
      (model) => stored(model)?.reason === 'ExpansionNotSupported',
    );
    expect(refused).toSatisfy(isReady);
    expect(stored(refused)?.message).toContain(
      'cannot be enlarged to 3Gi: its StorageClass rigid does not allow it',
    );
    expect(refused.status?.artifact).toEqual(status?.artifact);
    expect(asks(claims.get(claimOf(refused))!)).toBe('1306Mi');
    await client.patch(storageClasses, { name: 'rigid' }, { allowVolumeExpansion: true });
    await claims.untilOne(claimOf(refused), (claim) => asks(claim) === '3Gi');
    expect(models.versions('rigid').map(reasonOf)).not.toContain('WriteRefused');
  });

  it('stays Ready where a quota leaves no room for it, and says so', async ({ world }) => {
    const { client, models, claims } = world;
    await onVolume(world, 'metered', true);
    const hard = { 'metered.storageclass.storage.k8s.io/requests.storage': '2Gi' };
    const larger = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '3Gi' } } };
    const excess = { spec: { storageClassName: 'metered', ...larger } };
    await enforceQuota(world, 'metered', { hard }, [persistentVolumeClaims, excess]);
    await world.applyModel('metered', { storage: { storageClassName: 'metered', size: '3Gi' } });
    const refused = await models.untilOne('metered', (model) => stored(model)?.reason === 'QuotaExceeded');
    expect(refused).toSatisfy(isReady);
    expect(stored(refused)?.message).toMatch(/cannot be enlarged to 3Gi: .*quota: metered/);
    expect(asks(claims.get(claimOf(refused))!)).toBe('1306Mi');
    await client.delete(quotas, world.ref('metered'));
    await world.touch('metered');
    await claims.untilOne(claimOf(refused), (claim) => asks(claim) === '3Gi');
    expect(models.versions('metered').map(reasonOf)).not.toContain('WriteRefused');
  });

  it('gets another volume of another class, and serves from the first until that is filled', async ({
    world,
  }) => {
    const { client, models, claims } = world;
    const first = await onVolume(world, 'mover', false);
    await createClass(client, 'faster');
    await world.applyModel('mover', { storage: { storageClassName: 'faster' } });
    const pull = await world.kubelet.next({ model: 'mover', task: 'pull' });
    const pulling = models.get('mover');
    expect(pulling?.status?.artifact).toEqual(first.status?.artifact);
    await pull.starts();
    await pull.succeeds({ publication });
    const second = await models.untilOne(
      'mover',
      (model) => isReady(model) && model.metadata.generation === 2,
    );
    expect(second.status?.artifact?.claimUid).not.toBe(first.status?.artifact?.claimUid);
    expect(claims.get(claimOf(second))?.spec?.storageClassName).toBe('faster');
    await claims.untilGone(claimOf(first));
    expect(world.jobsOf('mover', 'inspect')).toHaveLength(1);
  });
});

// One after the other: whether there is a default class is what they are about.
describe('a Model that names no StorageClass', () => {
  it('says that there is no default one, and goes on as soon as one is', async ({ world }) => {
    const { client, models, claims } = world;
    await createClass(client, 'late', { metadata: { annotations: isDefault(false) } });
    await applyInspected(world, 'classless');
    const stalled = await models.untilOne('classless', lacksClass);
    expect(message(stalled)).toContain(
      'names no StorageClass, and none is the default one: the cluster has ',
    );
    expect(claims.get(claimOf(stalled))?.spec).not.toHaveProperty('storageClassName');

    await client.patch(storageClasses, { name: 'late' }, { metadata: { annotations: isDefault(true) } });
    await pullToReady(world, 'classless');
    // Kubernetes gives it to claims that were there before, a while later.
    await claims.untilOne(claimOf(stalled), ({ spec }) => spec?.storageClassName === 'late');
    const storage = { reclaimPolicy: 'Retain' } as const;
    await world.applyModel('classless', { storage });
    const kept = await models.untilOne(
      'classless',
      (model) => isReady(model) && model.status?.storage?.reclaimPolicy === 'Retain',
    );
    expect(kept.status?.storage?.claimUid).toBe(stalled.status?.storage?.claimUid);
  });

  it('says nothing when it is given the default one at once, or asks for a volume without a class', async ({
    world,
  }) => {
    const { client, models, claims } = world;
    await createClass(client, 'standard', { metadata: { annotations: isDefault(true) } });
    const given = await world.readyModel('given', { inspection, publication });
    expect(claims.get(claimOf(given))?.spec?.storageClassName).toBe('standard');

    await applyInspected(world, 'none', { storageClassName: '' });
    await createVolume(client, 'plain', '');
    const none = await pullToReady(world, 'none');
    const plain = await claims.untilOne(claimOf(none), ({ status }) => status?.phase === 'Bound');
    expect(plain.spec).toMatchObject({ storageClassName: '', volumeName: 'plain' });
    for (const name of ['given', 'none']) expect(models.versions(name).filter(lacksClass)).toEqual([]);
  });
});
