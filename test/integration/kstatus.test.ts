import { describe, expect, inject } from 'vitest';
import type { Model } from '../../src/api/model.ts';
import type { ModelServer } from '../../src/api/modelserver.ts';
import { persistentVolumeClaims } from '../../src/kube/builtin.ts';
import { isConflict } from '../../src/kube/errors.ts';
import { addFinalizer, removeFinalizer } from '../../src/kube/finalizers.ts';
import type { Kind, KubeObject, Live } from '../../src/kube/kind.ts';
import { healthOf } from '../argocd/argocd.ts';
import { kstatusOf, type Kstatus } from '../kstatus/kstatus.ts';
import { downloading, fails, reports } from './fake-kubelet.ts';
import { it } from './it.ts';
import {
  conditionOf,
  isCurrent,
  isReady,
  isStalled,
  modelsAsWritten,
  reasonOf,
  serversAsWritten,
} from './objects.ts';
import { weights } from './weights.ts';
import type { World } from './world.ts';

/**
 * What others make of our objects: Flux, kpt and `helm --wait` compute the status of an object with the Go library
 * kstatus and know nothing of its kind, Argo CD by a script for the kind. The two have to agree. Objects come from the API
 * server as they were, so that what it adds is in them.
 */
async function kstatus(object: Live<Model> | Live<ModelServer>): Promise<Kstatus> {
  const status = await kstatusOf(inject('kstatus'), object);
  // Argo CD does not ask our script of what is being deleted.
  if (status === 'Terminating') return status;
  const [inArgoCD] = await healthOf(inject('argocd'), [object]);
  const held = reasonOf(object) === 'Suspended' && isCurrent(object);
  expect(inArgoCD?.status).toBe(held ? 'Suspended' : healthIn[status]);
  return status;
}

/** What Argo CD shows, by the script of the chart, of what kstatus says this of. */
const healthIn = { InProgress: 'Progressing', Current: 'Healthy', Failed: 'Degraded', Unknown: 'Unknown' };

const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });
const hold = 'test.longshore.dev/hold';

/** Deletes an object that stays until it is let go of, by what this answers with. */
async function deleting<T extends KubeObject>(
  world: World,
  kind: Kind<T>,
  name: string,
): Promise<() => Promise<unknown>> {
  const { client } = world;
  const ref = world.ref(name);
  const change = async (how: typeof addFinalizer | typeof removeFinalizer): Promise<unknown> => {
    try {
      return await how(client, kind, await client.get(kind, ref), hold);
    } catch (error) {
      // The API server's own controllers put theirs on, and take them off.
      if (isConflict(error)) return change(how);
      throw error;
    }
  };
  await change(addFinalizer);
  await client.delete(kind, ref);
  return () => change(removeFinalizer);
}

/** What kstatus is to say of an object, by what people read in it. */
function wanted(object: Live<Model> | Live<ModelServer>): string {
  if (object.metadata.deletionTimestamp !== undefined) return 'Terminating';
  if (isReady(object)) return 'Current';
  return isStalled(object) ? 'Failed' : 'InProgress';
}

describe.concurrent('kstatus of a Model', () => {
  it('is InProgress from the first moment on until it is Ready, and after each edit', async ({ world }) => {
    const { kubelet, models, claims } = world;
    await world.applyModel('story');
    const seen: Record<string, Live<Model>> = {};
    const inspect = await kubelet.next({ model: 'story', task: 'inspect' });
    seen['resolving'] = await models.untilOne('story', (model) => reasonOf(model) === 'Resolving');
    await inspect.succeeds({ inspection });

    const pull = await kubelet.next({ model: 'story', task: 'pull' });
    await pull.starts();
    pull.says(downloading(500_000_000, 1_000_000_000));
    seen['pulling'] = await models.untilOne('story', ({ status }) => status?.progress?.percent === 50);
    pull.says({ phase: 'verifying', downloadedBytes: 1_000_000_000, totalBytes: 1_000_000_000 });
    seen['verifying'] = await models.untilOne('story', (model) => reasonOf(model) === 'Verifying');
    await pull.succeeds({ publication });
    const ready = await models.untilOne('story', isReady);

    const { claimName = '', claimUid } = ready.status?.artifact ?? {};
    const letGo = await deleting(world, persistentVolumeClaims, claimName);
    const waits = (model: Live<Model>): boolean => reasonOf(model) === 'WaitingForVolume';
    seen['waiting for a volume'] = await models.untilOne('story', waits);
    await letGo();
    kubelet.plays({ model: 'story', task: 'pull' }, reports({ publication }));
    await models.untilOne('story', isReady);
    expect(claims.get(claimName)?.metadata.uid).not.toBe(claimUid);

    await world.applyModel('story', { revision: 'v2' });
    seen['published before an edit'] = await models.untilOne(
      'story',
      (model) => reasonOf(model) === 'Resolving',
    );
    const versions = models.versions('story');
    seen['new'] = versions[0]!;
    seen['edited and not looked at'] = versions.find(({ metadata }) => metadata.generation === 2)!;
    expect(seen['edited and not looked at'].status?.observedGeneration).toBe(1);

    const answers = await Promise.all(
      Object.entries(seen).map(async ([moment, model]) => [moment, await kstatus(model)]),
    );
    expect(answers).toEqual(Object.keys(seen).map((moment) => [moment, 'InProgress']));
    expect(await kstatus(ready)).toBe('Current');

    const end = await deleting(world, modelsAsWritten, 'story');
    const ending = await models.untilOne('story', ({ metadata }) => metadata.deletionTimestamp !== undefined);
    expect(await kstatus(ending)).toBe('Terminating');
    await end();
    await models.untilGone('story');
    for (const version of models.versions('story')) expect(await kstatus(version)).toBe(wanted(version));
  });

  it('is InProgress while it is suspended before the first pull, and Current with what is published', async ({
    world,
  }) => {
    const { models } = world;
    await world.applyModel('held', { suspend: true });
    const held = await models.untilOne('held', (model) => reasonOf(model) === 'Suspended');
    expect(await kstatus(held)).toBe('InProgress');
    await world.readyModel('paused');
    await world.applyModel('paused', { suspend: true });
    const paused = await models.untilOne(
      'paused',
      (model) => model.metadata.generation === 2 && isReady(model),
    );
    expect(await kstatus(paused)).toBe('Current');
  });

  it.for(['SourceUnreachable', 'RateLimited', 'PullerFailed'] as const)(
    'is InProgress while %s may pass by itself',
    async (reason, { world }) => {
      const name = `m-${reason.toLowerCase()}`;
      world.kubelet.plays({ model: name, task: 'inspect' }, fails(reason, 'No.'));
      await world.applyModel(name);
      const failed = await world.models.untilOne(name, (model) => reasonOf(model) === reason);
      expect(await kstatus(failed)).toBe('InProgress');
    },
  );

  it('is Failed where only a person helps, whichever step it is that stands still', async ({ world }) => {
    const { kubelet, models } = world;
    kubelet.plays({ model: 'gated', task: 'inspect' }, fails('GatedRepo', 'Ask for access.'));
    await world.applyModel('gated');
    await world.applyModel('homeless', { storage: { claimName: 'not-there' } });
    kubelet.plays({ model: 'cramped', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('cramped', { storage: { size: '1Mi' } });
    kubelet.plays({ model: 'full', task: 'inspect' }, reports({ inspection }));
    kubelet.plays({ model: 'full', task: 'pull' }, fails('InsufficientStorage', 'Full.'));
    await world.applyModel('full');
    await world.limitClaims('1Ti');
    const large = weights({ sizeBytes: 3_000_000_000_000 });
    kubelet.plays({ model: 'refused', task: 'inspect' }, reports({ inspection: large.inspection }));
    await world.applyModel('refused');

    const stalled = await Promise.all(
      ['gated', 'homeless', 'cramped', 'full', 'refused'].map((name) => models.untilOne(name, isStalled)),
    );
    const answers = await Promise.all(stalled.map(async (model) => [reasonOf(model), await kstatus(model)]));
    expect(answers).toEqual([
      ['GatedRepo', 'Failed'],
      ['ClaimNotFound', 'Failed'],
      ['InsufficientStorage', 'Failed'],
      ['InsufficientStorage', 'Failed'],
      ['WriteRefused', 'Failed'],
    ]);
    // A mended spec is on its way as soon as it is applied.
    await world.applyModel('cramped', { storage: { size: '10Gi' } });
    const mended = await models.untilOne('cramped', ({ metadata }) => metadata.generation === 2);
    expect(await kstatus(mended)).toBe('InProgress');
  });
});

describe.concurrent('kstatus of a ModelServer', () => {
  it('is Failed without a Model, InProgress until its pods answer, and Current then', async ({ world }) => {
    const { kubelet, servers } = world;
    const when = async (reason: string): Promise<string> =>
      kstatus(await servers.untilOne('served', (server) => reasonOf(server) === reason));
    await world.applyServer('served', { model: 'served' });
    expect(await when('ModelNotFound')).toBe('Failed');
    await world.applyModel('served');
    expect(await when('ModelNotReady')).toBe('InProgress');
    kubelet.provides('served', weights());
    const pod = await kubelet.next({ server: 'served' });
    expect(await when('Starting')).toBe('InProgress');
    await pod.starts();
    expect(await when('Loading')).toBe('InProgress');
    await pod.becomesReady();
    expect(await when('Ready')).toBe('Current');
    await world.applyServer('served', { model: 'served', replicas: 0 });
    const zero = (server: Live<ModelServer>): boolean =>
      conditionOf(server, 'Ready')?.message === 'Scaled to zero.';
    expect(await kstatus(await servers.untilOne('served', zero))).toBe('Current');

    const end = await deleting(world, serversAsWritten, 'served');
    const ending = await servers.untilOne(
      'served',
      ({ metadata }) => metadata.deletionTimestamp !== undefined,
    );
    expect(await kstatus(ending)).toBe('Terminating');
    await end();
    await servers.untilGone('served');
    for (const version of servers.versions('served')) {
      expect(await kstatus(version)).toBe(wanted(version));
    }
  });

  it('is Failed when the weights cannot be loaded', async ({ world }) => {
    const { kubelet, servers } = world;
    await world.readyModel('odd');
    await world.applyServer('odd', { model: 'odd' });
    const pod = await kubelet.next({ server: 'odd' });
    await pod.crashes({ failure: { reason: 'LoadFailed', message: 'unknown architecture' } });
    const failed = await servers.untilOne('odd', isStalled);
    expect([reasonOf(failed), await kstatus(failed)]).toEqual(['LoadFailed', 'Failed']);
  });
});
