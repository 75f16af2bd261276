import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Controller } from './controller.ts';
import type { ControllerObserver, ControllerOptions, Reconcile } from './controller.ts';
import { ApiError } from './errors.ts';
import type { Key } from './kind.ts';
import type { QueueObserver } from './queue.ts';
import { Channel } from './testing/channel.ts';
import { recordLog } from './testing/logs.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Call {
  key: Key;
  signal: AbortSignal;
  succeed(result?: { recheckAfter: number }): void;
  fail(error: Error): void;
}

function setUp(options: Partial<ControllerOptions> = {}) {
  const calls = new Channel<Call>();
  const reconcile: Reconcile = (key, signal) => {
    const { promise, resolve, reject } = Promise.withResolvers<{ recheckAfter: number } | void>();
    calls.push({ key, signal, succeed: resolve, fail: reject });
    return promise;
  };
  const log = recordLog();
  const queue = { backoff: { baseMs: 1000, capMs: 60_000 }, random: () => 0 };
  const controller = new Controller({ name: 'test', reconcile, log, queue, ...options });
  const stop = new AbortController();
  return { calls, controller, log, stop, stopped: controller.start(stop.signal) };
}

const silent: QueueObserver = {
  due() {},
  raised() {},
  handedOut() {},
  done() {},
  retried() {},
};
const a = { namespace: 'default', name: 'a' };

const b = { namespace: 'default', name: 'b' };

describe('a controller', () => {
  it('reconciles what is enqueued, and again after recheckAfter seconds', async () => {
    const { calls, controller, stop, stopped } = setUp();
    controller.enqueue(a);
    const first = await calls.next();
    expect(first.key).toEqual(a);
    first.succeed({ recheckAfter: 30 });
    await vi.advanceTimersByTimeAsync(29_999);
    expect(calls.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    (await calls.next()).succeed();
    stop.abort();
    await stopped;
  });

  it('comes back to a failed key with growing waits, and starts over after a success', async () => {
    const { calls, controller, log, stop, stopped } = setUp();
    controller.enqueue(a);
    for (const waitMs of [1000, 2000, 4000]) {
      (await calls.next()).fail(new Error('no luck'));
      await vi.advanceTimersByTimeAsync(waitMs - 1);
      expect(calls.length).toBe(0);
      await vi.advanceTimersByTimeAsync(1);
    }
    (await calls.next()).succeed();
    expect(log.lines.filter((line) => line === 'error: reconcile failed')).toHaveLength(3);
    controller.enqueue(a);
    (await calls.next()).fail(new Error('no luck'));
    await vi.advanceTimersByTimeAsync(1000);
    (await calls.next()).succeed();
    stop.abort();
    await stopped;
  });

  it('does not come back before Retry-After', async () => {
    const { calls, controller, stop, stopped } = setUp();
    controller.enqueue(a);
    const error = { status: 429, reason: 'TooManyRequests', message: 'later', retryAfterSeconds: 20 };
    (await calls.next()).fail(new ApiError(error));
    await vi.advanceTimersByTimeAsync(19_999);
    expect(calls.length).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    (await calls.next()).succeed();
    stop.abort();
    await stopped;
  });

  it('takes a conflict for a matter of course', async () => {
    const { calls, controller, log, stop, stopped } = setUp();
    controller.enqueue(a);
    (await calls.next()).fail(new ApiError({ status: 409, reason: 'Conflict', message: 'stale' }));
    await vi.advanceTimersByTimeAsync(1000);
    (await calls.next()).succeed();
    expect(log.lines).toContain('debug: reconcile met a newer object');
    expect(log.lines.join()).not.toContain('error');
    stop.abort();
    await stopped;
  });

  it('runs as many keys at once as it is told, but never one twice', async () => {
    const { calls, controller, stop, stopped } = setUp({ concurrency: 2 });
    controller.enqueue(a);
    const first = await calls.next();
    controller.enqueue(a);
    controller.enqueue({ namespace: '', name: 'b' });
    const second = await calls.next();
    expect(second.key).toEqual({ namespace: '', name: 'b' });
    expect(calls.length).toBe(0);
    first.succeed();
    (await calls.next()).succeed();
    second.succeed();
    stop.abort();
    await stopped;
  });

  it('reconciles nothing before its caches have synced', async () => {
    const cache = Promise.withResolvers<void>();
    const { calls, controller, stop, stopped } = setUp({ caches: [{ synced: () => cache.promise }] });
    controller.enqueue(a);
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls.length).toBe(0);
    cache.resolve();
    (await calls.next()).succeed();
    stop.abort();
    await stopped;
  });

  it('stops though its caches never sync', async () => {
    const { stop, stopped } = setUp({ caches: [{ synced: () => new Promise(() => {}) }] });
    stop.abort();
    await expect(stopped).resolves.toBeUndefined();
  });

  it('waits at its stop for what is running, without aborting it before the grace is over', async () => {
    const { calls, controller, stop, stopped } = setUp({ stopGraceMs: 5000 });
    controller.enqueue(a);
    const running = await calls.next();
    stop.abort();
    await vi.advanceTimersByTimeAsync(4999);
    expect(running.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(running.signal.aborted).toBe(true);
    running.fail(new Error('aborted'));
    await stopped;
    expect(calls.length).toBe(0);
  });

  it('aborts the signal of a reconcile that takes too long', async () => {
    const { calls, controller, stop, stopped } = setUp({ timeoutMs: 3000 });
    controller.enqueue(a);
    const running = await calls.next();
    await vi.advanceTimersByTimeAsync(3000);
    expect(running.signal.reason).toMatchObject({ message: 'test: default/a took too long' });
    running.succeed();
    stop.abort();
    await stopped;
  });

  it('has a worker left for what somebody waits for, however busy the others are', async () => {
    const { calls, controller, stop, stopped } = setUp({ concurrency: 1, reserved: 1 });
    controller.enqueue(a, 'event');
    const slow = await calls.next();
    controller.enqueue(b, 'event');
    controller.enqueue({ namespace: 'other', name: 'c' }, 'backlog');
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls.length).toBe(0);
    controller.enqueue(b, 'user');
    const urgent = await calls.next();
    expect(urgent.key).toEqual(b);
    urgent.succeed();
    await vi.advanceTimersByTimeAsync(1000);
    expect(calls.length).toBe(0);
    slow.succeed();
    (await calls.next()).succeed();
    stop.abort();
    await stopped;
  });

  it('begins with what somebody waits for before a burst of others', async () => {
    const { calls, controller, stop, stopped } = setUp({ concurrency: 2, reserved: 1 });
    for (const name of ['a', 'b', 'c']) controller.enqueue({ namespace: 'crowd', name }, 'event');
    controller.enqueue(b, 'user');
    const order: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const call = await calls.next();
      order.push(call.key.namespace);
      call.succeed();
    }
    expect(order).toEqual(['default', 'crowd', 'crowd', 'crowd']);
    stop.abort();
    await stopped;
  });

  it('tells its observer of every reconcile: how it ended and how long it took', async () => {
    const told: unknown[] = [];
    const controllerObserver: ControllerObserver = {
      workers: (count) => told.push(`workers ${count}`),
      began: () => told.push('began'),
      ended: (result, seconds) => told.push([result, seconds]),
    };
    const observe = () => ({ queue: silent, controller: controllerObserver });
    const { calls, controller, stop, stopped } = setUp({ concurrency: 1, reserved: 2, observe });
    const ends: ((call: Call) => void)[] = [
      (call) => call.succeed(),
      (call) => call.succeed({ recheckAfter: 3600 }),
      (call) => call.fail(new ApiError({ status: 409, reason: 'Conflict', message: 'stale' })),
      (call) => call.fail(new Error('no luck')),
    ];
    for (const [i, end] of ends.entries()) {
      controller.enqueue({ namespace: 'default', name: String(i) });
      const call = await calls.next();
      await vi.advanceTimersByTimeAsync(250);
      end(call);
    }
    stop.abort();
    await stopped;
    expect(told).toEqual([
      'workers 3',
      ...['success', 'requeue_after', 'requeue', 'error'].flatMap((result) => ['began', [result, 0.25]]),
    ]);
  });
});
