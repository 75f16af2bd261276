import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Controller } from './controller.ts';
import type { Key } from './kind.ts';
import { controllerMetrics } from './metrics.ts';
import { Channel } from './testing/channel.ts';
import { recordLog } from './testing/logs.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Call {
  key: Key;
  end: (result?: { recheckAfter: number }) => void;
  fail: (error: Error) => void;
}

/** Two controllers in one registry, the second of which has nothing to do. */
function setUp() {
  const registry = new Registry();
  const observe = controllerMetrics(registry);
  const calls = new Channel<Call>();
  const common = { log: recordLog(), observe, queue: { random: () => 0 } };
  const busy = new Controller({
    ...common,
    name: 'busy',
    concurrency: 1,
    reserved: 1,
    reconcile: (key) => {
      const { promise, resolve, reject } = Promise.withResolvers<{ recheckAfter: number } | void>();
      calls.push({ key, end: resolve, fail: reject });
      return promise;
    },
  });
  const idle = new Controller({ ...common, name: 'idle', reconcile: async () => {} });
  const stop = new AbortController();
  const stopped = Promise.all([busy.start(stop.signal), idle.start(stop.signal)]);
  /** Every sample of one metric about this controller, histograms without their buckets. */
  const samples = async (name: string, controller = 'busy'): Promise<Record<string, number>> => {
    const lines = (await registry.metrics()).split('\n');
    const about = lines.filter((line) => line.startsWith(name) && line.includes(`="${controller}"`));
    const parts = about.map((line) => /^(\w+)\{(.*)\} (\S+)$/.exec(line) ?? []);
    return Object.fromEntries(
      parts
        .filter(([line]) => !line?.includes('_bucket{'))
        .map(([, metric = '', labels = '', value]) => [
          `${metric.slice(name.length)} ${labels.replace(/,?(name|controller)="[^"]*",?/, '')}`.trim(),
          Number(value),
        ]),
    );
  };
  return { registry, busy, calls, samples, stop, stopped };
}

const inNamespace = (name: string): Key => ({ namespace: 'n', name });

describe('the metrics of a controller', () => {
  it('have the names that client-go and controller-runtime give them, also before anything happens', async () => {
    const { registry, stop, stopped } = setUp();
    await vi.advanceTimersByTimeAsync(0);
    const metrics = await registry.getMetricsAsJSON();
    expect(metrics.map(({ name }) => name).sort()).toEqual([
      'controller_runtime_active_workers',
      'controller_runtime_max_concurrent_reconciles',
      'controller_runtime_reconcile_errors_total',
      'controller_runtime_reconcile_time_seconds',
      'controller_runtime_reconcile_total',
      'workqueue_adds_total',
      'workqueue_depth',
      'workqueue_longest_running_processor_seconds',
      'workqueue_queue_duration_seconds',
      'workqueue_retries_total',
      'workqueue_unfinished_work_seconds',
      'workqueue_work_duration_seconds',
    ]);
    stop.abort();
    await stopped;
  });

  it('tell what waits, by priority, and for how long it did', async () => {
    const { busy, calls, samples, stop, stopped } = setUp();
    busy.enqueue(inNamespace('first'));
    const first = await calls.next();
    busy.enqueue(inNamespace('a'), 'backlog');
    busy.enqueue(inNamespace('b'), 'backlog');
    busy.enqueue(inNamespace('b'), 'event');
    busy.enqueue(inNamespace('first'), 'event');
    const depth = { 'priority="user"': 0, 'priority="event"': 2, 'priority="backlog"': 1 };
    expect(await samples('workqueue_depth')).toEqual(depth);
    expect(await samples('workqueue_depth', 'idle')).toMatchObject({ 'priority="event"': 0 });
    expect(await samples('workqueue_adds_total')).toEqual({ '': 4 });
    await vi.advanceTimersByTimeAsync(2000);
    first.end();
    for (let rest = 0; rest < 3; rest += 1) (await calls.next()).end();
    expect(await samples('workqueue_queue_duration_seconds')).toEqual({
      '_sum priority="event"': 4,
      '_count priority="event"': 3,
      '_sum priority="backlog"': 2,
      '_count priority="backlog"': 1,
    });
    stop.abort();
    await stopped;
  });

  it('tell what workers do now, and what they did', async () => {
    const { busy, calls, samples, stop, stopped } = setUp();
    busy.enqueue(inNamespace('a'));
    const slow = await calls.next();
    await vi.advanceTimersByTimeAsync(3000);
    busy.enqueue(inNamespace('b'), 'user');
    const quick = await calls.next();
    await vi.advanceTimersByTimeAsync(1000);
    expect(await samples('workqueue_unfinished_work_seconds')).toEqual({ '': 5 });
    expect(await samples('workqueue_longest_running_processor_seconds')).toEqual({ '': 4 });
    expect(await samples('controller_runtime_active_workers')).toEqual({ '': 2 });
    expect(await samples('controller_runtime_max_concurrent_reconciles')).toEqual({ '': 2 });
    slow.end();
    quick.end();
    await vi.advanceTimersByTimeAsync(0);
    expect(await samples('workqueue_unfinished_work_seconds')).toEqual({ '': 0 });
    expect(await samples('workqueue_longest_running_processor_seconds')).toEqual({ '': 0 });
    expect(await samples('controller_runtime_active_workers')).toEqual({ '': 0 });
    expect(await samples('workqueue_work_duration_seconds')).toEqual({ _sum: 5, _count: 2 });
    expect(await samples('controller_runtime_reconcile_time_seconds')).toEqual({ _sum: 5, _count: 2 });
    stop.abort();
    await stopped;
  });

  it('count how reconciles end, and what is tried again', async () => {
    const { busy, calls, samples, stop, stopped } = setUp();
    busy.enqueue(inNamespace('a'));
    (await calls.next()).fail(new Error('no luck'));
    await vi.advanceTimersByTimeAsync(100);
    (await calls.next()).end({ recheckAfter: 10 });
    await vi.advanceTimersByTimeAsync(10_000);
    (await calls.next()).end();
    await vi.advanceTimersByTimeAsync(0);
    expect(await samples('controller_runtime_reconcile_total')).toEqual({
      'result="success"': 1,
      'result="requeue_after"': 1,
      'result="requeue"': 0,
      'result="error"': 1,
    });
    expect(await samples('controller_runtime_reconcile_errors_total')).toEqual({ '': 1 });
    expect(await samples('controller_runtime_reconcile_errors_total', 'idle')).toEqual({ '': 0 });
    expect(await samples('workqueue_retries_total')).toEqual({ '': 1 });
    stop.abort();
    await stopped;
  });
});
