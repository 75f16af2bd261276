import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Model } from '../../../api/model.ts';
import { jobs, type Job } from '../../../kube/builtin.ts';
import type { Change } from '../../../kube/informer.ts';
import { formatKey, keyOf, type Live } from '../../../kube/kind.ts';
import { child } from '../../step.ts';
import { aJob, aModel, meta, now, type JobChoices } from '../../testing/objects.ts';
import { labels } from '../../labels.ts';
import { PullQueue, startsPull, type PullLimits } from './pull-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function modelOf(name: string, waits?: number, namespace = 'ns'): Live<Model> {
  const since = waits === undefined ? undefined : new Date(now.getTime() - waits * 1000).toISOString();
  const model = aModel({}, since === undefined ? {} : { queue: { since, position: 1 } });
  return { ...model, metadata: meta(name, { namespace }) };
}

function jobOf(name: string, more: Partial<JobChoices> = {}, namespace = 'ns'): Live<Job> {
  const job = aJob({ request: 'r', task: 'pull', ...more });
  const ours = { ...job.metadata.labels, [labels.model]: name };
  return { ...job, metadata: meta(`${name}-pull`, { namespace, labels: ours }) };
}

/** A queue of these limits, with pulls that run and Models that wait, the longest first. */
function setUp(limits: PullLimits, { running = [], waiting = [] }: Given = {}) {
  const woken: string[] = [];
  const queue = new PullQueue({ limits, wake: (key) => void woken.push(formatKey(key)), now: () => now });
  let tellJob!: (change: Change<Job>) => void;
  let tellModel!: (change: Change<Model>) => void;
  queue.follow({
    jobs: { onChange: (handler) => (tellJob = handler) },
    models: { onChange: (handler) => (tellModel = handler) },
  });
  for (const name of running) tellJob({ type: 'added', object: jobOf(name), initial: true });
  waiting.forEach((name, index) =>
    tellModel({ type: 'added', object: modelOf(name, waiting.length - index), initial: true }),
  );
  woken.length = 0;
  return { queue, woken, tellJob, tellModel };
}
interface Given {
  running?: string[];
  waiting?: string[];
}
const ended = { type: 'Failed' as const, secondsAgo: 0 };
const none = { starts: false, since: undefined };

describe('a queue of pulls', () => {
  it('has no say without limits', () => {
    const queue = new PullQueue({ limits: {}, wake: () => expect.unreachable() });
    expect(queue.isLimited).toBe(false);
    expect(queue.turnOf(modelOf('a'))).toEqual({ at: 'now' });
  });

  it('lets as many start as may run, and tells the others where they stand', () => {
    const { queue } = setUp({ cluster: 2 }, { running: ['x'] });
    const a = modelOf('a');
    expect(queue.turnOf(a)).toEqual({ at: 'now' });
    queue.heed(keyOf(a), { starts: true, since: undefined });
    const since = now.toISOString();
    const later = { at: 'later', since, place: 1, scope: 'cluster', taken: 2, allowed: 2 };
    expect(queue.turnOf(modelOf('b'))).toEqual(later);
    queue.heed({ namespace: 'ns', name: 'b' }, { starts: false, since });
    expect(queue.turnOf(modelOf('c'))).toEqual({ ...later, place: 2 });
  });

  it('counts by namespace where that is the limit', () => {
    const { queue } = setUp({ cluster: 3, namespace: 1 }, { running: ['x'], waiting: ['a'] });
    expect(queue.turnOf(modelOf('b'))).toMatchObject({
      at: 'later',
      place: 2,
      scope: 'namespace',
      taken: 1,
      allowed: 1,
    });
    expect(queue.turnOf(modelOf('c', undefined, 'other'))).toEqual({ at: 'now' });
  });

  it('wakes who is next when a pull ends, fails or is removed', () => {
    for (const change of [
      { type: 'modified', object: jobOf('x', { ended }), old: jobOf('x') },
      { type: 'deleted', object: jobOf('x') },
    ] as const) {
      const { woken, tellJob } = setUp({ cluster: 1 }, { running: ['x'], waiting: ['a', 'b'] });
      tellJob(change);
      expect(woken).toEqual(['ns/a']);
    }
  });

  it('wakes nobody for Jobs that do not pull', () => {
    const { woken, tellJob } = setUp({ cluster: 1 }, { running: ['x'], waiting: ['a'] });
    tellJob({ type: 'added', object: jobOf('y', { task: 'inspect' }) });
    tellJob({ type: 'deleted', object: jobOf('y', { task: 'inspect' }) });
    expect(woken).toEqual([]);
  });

  it('wakes who comes behind one that leaves: those alone whose place is told otherwise', () => {
    const waiting = Array.from({ length: 60 }, (_, index) => `m${String(index + 1).padStart(2, '0')}`);
    const { woken, tellModel } = setUp({ cluster: 1 }, { running: ['x'], waiting });
    tellModel({ type: 'modified', object: modelOf('m08'), old: modelOf('m08', 1) });
    // Those that are 8th to 10th, 20th and 50th now, in the cluster and in the namespace.
    expect([...new Set(woken)]).toEqual(['ns/m09', 'ns/m10', 'ns/m11', 'ns/m21', 'ns/m51']);
  });

  it('is in order again after a restart, by what the Models say', () => {
    const { queue, woken, tellJob, tellModel } = setUp({ cluster: 1 }, { running: ['x'] });
    tellModel({ type: 'added', object: modelOf('late', 1), initial: true });
    tellModel({ type: 'added', object: modelOf('early', 9), initial: true });
    expect(queue.turnOf(modelOf('late', 1))).toMatchObject({ at: 'later', place: 2 });
    woken.length = 0;
    tellJob({ type: 'deleted', object: jobOf('x') });
    expect(woken).toEqual(['ns/early']);
  });

  it('wakes the next when the one whose turn it is goes instead', () => {
    const running = Array.from({ length: 12 }, (_, index) => `x${index}`);
    const waiting = Array.from({ length: 14 }, (_, index) => `m${String(index + 1).padStart(2, '0')}`);
    const { woken, tellJob, tellModel } = setUp({ cluster: 12 }, { running, waiting });
    for (const name of running) tellJob({ type: 'deleted', object: jobOf(name) });
    expect(woken).toContain('ns/m12');
    expect(woken).not.toContain('ns/m13');
    tellModel({ type: 'deleted', object: modelOf('m03', 2) });
    expect(woken).toContain('ns/m13');
  });

  it('keeps a place whose Job may be on its way when another try is refused', () => {
    const { queue } = setUp({ cluster: 1 }, { waiting: ['a', 'b'] });
    const a = modelOf('a', 2);
    for (const hasFailed of [true, false]) {
      expect(queue.turnOf(a)).toEqual({ at: 'now' });
      queue.heed(keyOf(a), { starts: true, since: undefined });
      queue.settle(keyOf(a), modelOf('a'), hasFailed);
    }
    expect(queue.turnOf(modelOf('b', 1))).toMatchObject({ at: 'later' });
  });

  it('counts a place once while its Job is made, seen and told of', () => {
    const { queue, tellJob } = setUp({ cluster: 2 });
    const a = modelOf('a');
    queue.turnOf(a);
    queue.heed(keyOf(a), { starts: true, since: undefined });
    tellJob({ type: 'added', object: jobOf('a') });
    expect(queue.turnOf(modelOf('b'))).toEqual({ at: 'now' });
    queue.heed(keyOf(a), none);
    queue.settle(keyOf(a), a, false);
    expect(queue.turnOf(modelOf('c'))).toEqual({ at: 'now' });
  });

  it('gives the place of one that was refused to the next', () => {
    const { queue, woken } = setUp({ cluster: 1 }, { waiting: ['a', 'b'] });
    const a = modelOf('a', 2);
    expect(queue.turnOf(a)).toEqual({ at: 'now' });
    queue.heed(keyOf(a), { starts: true, since: undefined });
    woken.length = 0;
    queue.settle(keyOf(a), modelOf('a'), false);
    expect(woken).toContain('ns/b');
    expect(queue.turnOf(modelOf('b', 1))).toEqual({ at: 'now' });
  });

  it('keeps the place of one whose Job may be on its way, for three minutes', () => {
    const { queue, woken } = setUp({ cluster: 1 }, { waiting: ['a', 'b'] });
    const a = modelOf('a', 2);
    queue.turnOf(a);
    queue.heed(keyOf(a), { starts: true, since: undefined });
    queue.settle(keyOf(a), modelOf('a'), true);
    expect(queue.turnOf(modelOf('b', 1))).toMatchObject({ at: 'later' });
    queue.heed({ namespace: 'ns', name: 'b' }, { starts: false, since: now.toISOString() });
    queue.settle({ namespace: 'ns', name: 'b' }, modelOf('b', 1), false);
    expect(queue.turnOf(a)).toEqual({ at: 'now' });
    queue.heed(keyOf(a), none);
    queue.settle(keyOf(a), modelOf('a'), false);
    woken.length = 0;
    vi.advanceTimersByTime(180_000);
    expect(woken).toEqual(['ns/b']);
  });

  it('passes over one whose reconcile fails, until it asks again', () => {
    const { queue, woken, tellJob } = setUp({ cluster: 1 }, { running: ['x'], waiting: ['a', 'b'] });
    const a = modelOf('a', 2);
    queue.turnOf(a);
    queue.settle(keyOf(a), a, true);
    tellJob({ type: 'deleted', object: jobOf('x') });
    expect(woken).toEqual(['ns/b']);
    expect(queue.turnOf(a)).toEqual({ at: 'now' });
  });
});

describe('startsPull', () => {
  it('tells Jobs that pull from others', () => {
    const wanted = (task: 'pull' | 'inspect') => {
      const { labels: ours } = jobOf('a', { task }).metadata;
      return [child(jobs, { metadata: { name: 'a', namespace: 'ns', ...(ours && { labels: ours }) } })];
    };
    expect(startsPull(wanted('pull'))).toBe(true);
    expect(startsPull(wanted('inspect'))).toBe(false);
    expect(startsPull([])).toBe(false);
  });
});
