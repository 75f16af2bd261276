import { describe, expect, inject } from 'vitest';
import { hasEnded } from '../../src/controllers/model/jobs/attempts.ts';
import { labels } from '../../src/controllers/labels.ts';
import { kstatusOf } from '../kstatus/kstatus.ts';
import { reports } from './fake-kubelet.ts';
import { itWithPulls } from './it.ts';
import { conditionOf, isReady, reasonOf, summary } from './objects.ts';
import { weights } from './weights.ts';
import type { World } from './world.ts';

const { inspection, publication } = weights({ sizeBytes: 1_000_000 });
const limit = 2;

/** The most pulls that ran at the same time, as the watch told of it. */
function mostAtOnce({ jobs }: World): number {
  const running = new Set<string>();
  let most = 0;
  for (const { type, object } of jobs.changes) {
    if (object.metadata.labels?.[labels.task] !== 'pull') continue;
    if (type === 'DELETED' || hasEnded(object)) running.delete(object.metadata.uid);
    else running.add(object.metadata.uid);
    most = Math.max(most, running.size);
  }
  return most;
}

const message = (model: Parameters<typeof reasonOf>[0]): string => conditionOf(model, 'Ready')?.message ?? '';

describe.concurrent('pulls of an operator that lets two run', () => {
  const it = itWithPulls({ cluster: limit });

  it('are two, while the others say where they stand and follow in their order', async ({ world }) => {
    const { kubelet, models } = world;
    const names = ['a', 'b', 'c', 'd', 'e'].map((letter) => `q-${letter}`);
    for (const name of names) {
      kubelet.plays({ model: name, task: 'inspect' }, reports({ inspection }));
      await world.applyModel(name);
      await models.untilOne(name, (model) => ['Queued', 'Pulling'].includes(reasonOf(model) ?? ''));
    }
    const third = await models.untilOne('q-e', (model) => message(model).startsWith('3rd'));
    expect(message(third)).toBe('3rd in the queue; 2 pulls run, of 2 allowed.');
    expect(summary(third)).toBe('False/Queued True False');
    expect(await kstatusOf(inject('kstatus'), third)).toBe('InProgress');
    expect(third.status?.queue).toMatchObject({ position: 3 });
    expect(conditionOf(third, 'StorageReady')?.status).toBe('True');

    for (const [index, name] of names.entries()) {
      const pull = await kubelet.next({ model: name, task: 'pull' });
      await pull.succeeds({ publication });
      const { status } = await models.untilOne(name, isReady);
      expect(status?.queue).toBeUndefined();
      const following = names[index + limit];
      if (following === undefined) continue;
      await world.jobs.until(`the pull of ${following}`, () => world.jobsOf(following, 'pull')[0]);
    }
    expect(
      world.jobs
        .made()
        .filter((name) => name.includes('-pull-'))
        .map((name) => name.slice(0, 3)),
    ).toEqual(names);
    expect(mostAtOnce(world)).toBe(limit);
  });

  it('are two after a restart too, and the order is what it was', async ({ world }) => {
    const { kubelet, models } = world;
    const names = ['z', 'y', 'x', 'w'].map((letter) => `r-${letter}`);
    for (const name of names) {
      kubelet.plays({ model: name, task: 'inspect' }, reports({ inspection }));
      await world.applyModel(name);
      await models.untilOne(name, (model) => ['Queued', 'Pulling'].includes(reasonOf(model) ?? ''));
    }
    const waiting = await models.untilOne('r-w', (model) => message(model).startsWith('2nd'));
    await world.operator.kill();
    const first = await kubelet.next({ model: 'r-z', task: 'pull' });
    await first.succeeds({ publication });
    await world.startOperator();
    const next = await kubelet.next({ model: 'r-x', task: 'pull' });
    const then = await models.untilOne('r-w', (model) => message(model).startsWith('1st'));
    expect(then.status?.queue?.since).toBe(waiting.status?.queue?.since);
    kubelet.always({ model: 'r-w', task: 'pull' }, reports({ publication }));
    await next.succeeds({ publication });
    await models.untilOne('r-w', isReady);
    expect(mostAtOnce(world)).toBe(limit);
  });

  it('are never more while one operator takes over from another', async ({ world }) => {
    const names = Array.from({ length: 12 }, (_, index) => `over-${index}`);
    for (const name of names) world.kubelet.provides(name, weights({ sizeBytes: 1_000_000 }));
    const first = world.operator;
    // Its caches are filled, and it leads the moment that the other lets go.
    await world.spawnOperator().ready();
    await Promise.all(names.map((name) => world.applyModel(name)));
    await world.models.until('some are Ready', () => world.models.all().filter(isReady).length >= 3);
    expect(await first.stop()).toBe(0);
    await Promise.all(names.map((name) => world.models.untilOne(name, isReady, 110_000)));
    expect(mostAtOnce(world)).toBe(limit);
  });

  it('leave a place to others when they fail or are suspended, and start from the end of the queue', async ({
    world,
  }) => {
    const { kubelet, models } = world;
    const names = ['one', 'two', 'three', 'four'];
    for (const name of names) {
      kubelet.plays({ model: name, task: 'inspect' }, reports({ inspection }));
      await world.applyModel(name);
      await models.untilOne(name, (model) => ['Queued', 'Pulling'].includes(reasonOf(model) ?? ''));
    }
    const one = await kubelet.next({ model: 'one', task: 'pull' });
    await one.fails({ failure: { reason: 'InsufficientStorage', message: 'Too small.' } }, 2);
    const three = await kubelet.next({ model: 'three', task: 'pull' });
    await world.applyModel('two', { suspend: true });
    const four = await kubelet.next({ model: 'four', task: 'pull' });
    // Its pause is over: both places are taken by then.
    await models.untilOne('one', (model) => reasonOf(model) === 'Queued');
    await world.applyModel('two');
    await models.untilOne('two', (model) => reasonOf(model) === 'Queued');
    await three.succeeds({ publication });
    await (await kubelet.next({ model: 'one', task: 'pull' })).succeeds({ publication });
    await four.succeeds({ publication });
    await (await kubelet.next({ model: 'two', task: 'pull' })).succeeds({ publication });
    for (const name of names) await models.untilOne(name, isReady);
    expect(mostAtOnce(world)).toBe(limit);
  });

  it('are never more when thirty Models come at the same time, and all are Ready in the end', async ({
    world,
  }) => {
    const names = Array.from({ length: 30 }, (_, index) => `many-${index}`);
    for (const name of names) world.kubelet.provides(name, weights({ sizeBytes: 1_000_000 }));
    await Promise.all(names.map((name) => world.applyModel(name)));
    await Promise.all(names.map((name) => world.models.untilOne(name, isReady, 110_000)));
    expect(mostAtOnce(world)).toBe(limit);
    const writes = world.models.changes.filter(({ type }) => type === 'MODIFIED').length;
    // Resolving, ten exact places and two rounded ones, Pulling and Ready, at most; and a few versions of what people write.
    expect(writes / names.length).toBeLessThan(18);
  });
});

describe('pulls of an operator that lets one run in each namespace', () => {
  const it = itWithPulls({ cluster: 5, namespace: 1 });

  it('say that their namespace has its share', async ({ world }) => {
    const { kubelet, models } = world;
    kubelet.plays({ model: 'first', task: 'inspect' }, reports({ inspection }));
    kubelet.provides('second', weights({ sizeBytes: 1_000_000 }));
    await world.applyModel('first');
    const pull = await kubelet.next({ model: 'first', task: 'pull' });
    await world.applyModel('second');
    const queued = await models.untilOne('second', (model) => reasonOf(model) === 'Queued');
    expect(message(queued)).toBe('1st in the queue of this namespace; 1 pull runs here, of 1 allowed.');
    await pull.succeeds({ publication });
    await models.untilOne('second', isReady);
    expect(mostAtOnce(world)).toBe(1);
  });
});
