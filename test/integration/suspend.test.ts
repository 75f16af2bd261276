import { describe, expect } from 'vitest';
import { downloading, reports, serves } from './fake-kubelet.ts';
import { it } from './it.ts';
import { conditionOf, isReady, reasonOf, summary } from './objects.ts';
import { commit, weights } from './weights.ts';

const sizeBytes = 1_000_000_000;
const isSuspended = (model: Parameters<typeof reasonOf>[0]) =>
  reasonOf(model) === 'Suspended' && model?.status?.observedGeneration === model?.metadata.generation;

describe.concurrent('a Model that is suspended', () => {
  it('asks nothing, and goes on when it is let', async ({ world }) => {
    await world.applyModel('held', { suspend: true });
    const held = await world.models.untilOne('held', isSuspended);
    expect(summary(held)).toBe('False/Suspended False False');
    expect(conditionOf(held, 'Resolved')).toMatchObject({ status: 'False', reason: 'Suspended' });
    expect(world.jobsOf('held')).toEqual([]);
    await world.readyModel('held');
  });

  it('has its pull ended midway, and goes on with the figures where they were', async ({ world }) => {
    const { kubelet, models, pods } = world;
    const { inspection, publication } = weights({ sizeBytes });
    kubelet.plays({ model: 'midway', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('midway');
    const first = await kubelet.next({ model: 'midway', task: 'pull' });
    await first.starts();
    first.says(downloading(600_000_000, sizeBytes));
    await models.untilOne('midway', ({ status }) => status?.progress?.percent === 60);

    await world.applyModel('midway', { suspend: true });
    const held = await models.untilOne('midway', isSuspended);
    expect(summary(held)).toBe('False/Suspended False False');
    expect(conditionOf(held, 'StorageReady')?.status).toBe('True');
    expect(conditionOf(held, 'Pulled')?.message).toContain('600MB of 1.0GB are on the volume');
    await pods.untilGone(first.name);
    const before = world.jobsOf('midway').length;
    await world.touch('midway');

    await world.applyModel('midway', { suspend: false });
    const second = await kubelet.next({ model: 'midway', task: 'pull' });
    expect(world.jobsOf('midway').length).toBe(before + 1);
    await second.starts();
    second.says({ phase: 'starting', downloadedBytes: 0, totalBytes: sizeBytes });
    await second.asked(2);
    await second.succeeds({ publication });
    await models.untilOne('midway', isReady);
    const percents = models.versions('midway').map(({ status }) => status?.progress?.percent ?? 0);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  });

  it('stays Ready with what it has published, and says what it does not pull', async ({ world }) => {
    const { kubelet, models, servers } = world;
    const first = await world.readyModel('served');
    kubelet.always({ server: 'served' }, serves);
    await world.applyServer('served', { model: 'served' });
    await servers.untilOne('served', isReady);

    await world.applyModel('served', { suspend: true });
    const still = await models.untilOne(
      'served',
      (model) => model.metadata.generation === 2 && isReady(model),
    );
    expect(summary(still)).toBe('True/Ready False False');

    await world.applyModel('served', { suspend: true, revision: 'v2' });
    const held = await models.untilOne('served', isSuspended);
    expect(held.status?.artifact).toEqual(first.status?.artifact);
    await servers.untilOne('served', isReady);
    expect(servers.get('served')?.status?.model?.revision).toBe(first.status?.artifact?.revision);

    kubelet.provides('served', weights({ revision: commit('second') }));
    await world.applyModel('served', { revision: 'v2' });
    const { status } = await models.untilOne(
      'served',
      (model) => model.metadata.generation === 4 && isReady(model),
    );
    expect(status?.artifact?.revision).toBe(commit('second'));
  });

  it('can be deleted, and leaves nothing', async ({ world }) => {
    await world.applyModel('dropped', { suspend: true });
    await world.models.untilOne('dropped', isSuspended);
    await world.client.delete(...world.modelRef('dropped'));
    await world.models.untilGone('dropped');
  });
});
