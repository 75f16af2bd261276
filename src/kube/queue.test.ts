import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { priorities } from './priority.ts';
import { WorkQueue } from './queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settled = async <T>(promise: Promise<T>): Promise<T | 'pending'> => Promise.race([promise, later()]);
const later = async (): Promise<'pending'> => {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
  return 'pending';
};

describe('a work queue', () => {
  it('hands out keys in the order of their first add, each once', async () => {
    const queue = new WorkQueue();
    for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
    expect([await queue.get(), await queue.get(), await settled(queue.get())]).toEqual(['a', 'b', 'pending']);
  });

  it('gives a key to a worker that waits', async () => {
    const queue = new WorkQueue();
    const waiting = queue.get();
    queue.add('a');
    expect(await waiting).toBe('a');
  });

  it('hands a key that was added while processed out again after done, and not before', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.get();
    queue.add('a');
    queue.add('a');
    const second = queue.get();
    expect(await settled(second)).toBe('pending');
    queue.done('a');
    expect(await second).toBe('a');
    queue.done('a');
    expect(await settled(queue.get())).toBe('pending');
  });

  it('keeps the earliest of several waits', async () => {
    const queue = new WorkQueue();
    queue.addAfter('a', 5000);
    queue.addAfter('a', 1000);
    queue.addAfter('a', 3000);
    vi.advanceTimersByTime(999);
    expect(queue.length).toBe(0);
    vi.advanceTimersByTime(1);
    expect(await queue.get()).toBe('a');
    queue.done('a');
    vi.advanceTimersByTime(10_000);
    expect(queue.length).toBe(0);
  });

  it('does not wait on after a key was added at once', async () => {
    const queue = new WorkQueue();
    queue.addAfter('a', 1000);
    queue.add('a');
    await queue.get();
    queue.done('a');
    vi.advanceTimersByTime(2000);
    expect(queue.length).toBe(0);
  });

  it('backs off per key, doubling up to the cap, until forget', () => {
    const queue = new WorkQueue({ backoff: { baseMs: 100, capMs: 1000 }, random: () => 0 });
    const waits = Array.from({ length: 6 }, () => queue.addRateLimited('a'));
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(queue.addRateLimited('b')).toBe(100);
    expect(queue.failures('a')).toBe(6);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(100);
  });

  it('takes up to a half off a wait, and waits at least as long as it is told', () => {
    const queue = new WorkQueue({ backoff: { baseMs: 100, capMs: 1000 }, random: () => 0.999 });
    expect(queue.addRateLimited('a')).toBeCloseTo(50, 0);
    expect(queue.addRateLimited('a', 7000)).toBe(7000);
  });

  it('lets workers go at shutdown and resolves when the running ones are done', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    await queue.get();
    queue.add('b');
    queue.addAfter('c', 10);
    const idle = new WorkQueue().shutDown();
    const drained = queue.shutDown();
    await idle;
    expect(await queue.get()).toBeUndefined();
    expect(await settled(drained)).toBe('pending');
    queue.add('d');
    queue.done('a');
    await drained;
    vi.advanceTimersByTime(100);
    expect(queue.length).toBe(0);
  });
});

describe('priorities in a work queue', () => {
  /** Takes what there is, without being done with it. */
  const rest = async (queue: WorkQueue): Promise<string[]> => {
    const keys: string[] = [];
    while (queue.length > 0) keys.push((await queue.get()) ?? '');
    return keys;
  };

  it('come before the order of arrival', async () => {
    const queue = new WorkQueue();
    queue.add('n/old', 'backlog');
    queue.add('n/child');
    queue.add('n/mine', 'user');
    expect(await rest(queue)).toEqual(['n/mine', 'n/child', 'n/old']);
  });

  it('are the highest that was asked for, of keys in line, that wait, and that are with a worker', async () => {
    const queue = new WorkQueue();
    queue.add('n/in-line', 'backlog');
    queue.addAfter('n/waits', 1000, 'user');
    queue.addAfter('n/waits', 500, 'backlog');
    queue.addAfter('n/waited', 500, 'backlog');
    queue.addAfter('n/waited', 1000, 'user');
    queue.add('n/with-a-worker', 'user');
    await queue.get();
    queue.add('n/with-a-worker', 'backlog');
    queue.add('n/with-a-worker', 'user');
    vi.advanceTimersByTime(500);
    queue.add('n/in-line', 'user');
    queue.add('n/in-line', 'backlog');
    queue.done('n/with-a-worker');
    queue.add('n/event', 'event');
    expect(await rest(queue)).toEqual(['n/waits', 'n/waited', 'n/in-line', 'n/with-a-worker', 'n/event']);
  });

  it('are over once the key is handed out', async () => {
    const queue = new WorkQueue();
    queue.add('n/a', 'user');
    await queue.get();
    queue.add('n/a', 'backlog');
    queue.done('n/a');
    queue.add('n/b', 'event');
    expect(await rest(queue)).toEqual(['n/b', 'n/a']);
  });

  it('stay with a key that failed', async () => {
    const queue = new WorkQueue({ backoff: { baseMs: 100, capMs: 100 }, random: () => 0 });
    for (const priority of priorities) queue.add(`n/${priority}`, priority);
    for (const key of await rest(queue)) {
      queue.addRateLimited(key);
      queue.done(key);
    }
    vi.advanceTimersByTime(100);
    queue.add('n/another', 'event');
    expect(await rest(queue)).toEqual(['n/user', 'n/event', 'n/another', 'n/backlog']);
  });

  it('leave a choosy worker waiting while there is nothing for it', async () => {
    const queue = new WorkQueue();
    const choosy = queue.get('user');
    queue.add('n/a', 'event');
    expect(await settled(choosy)).toBe('pending');
    queue.add('n/a', 'user');
    expect(await choosy).toBe('n/a');
    expect(queue.length).toBe(0);
  });

  it('go to the choosiest worker that takes them', async () => {
    const queue = new WorkQueue();
    const [other, choosy] = [queue.get(), queue.get('user')];
    queue.add('n/a', 'user');
    expect(await choosy).toBe('n/a');
    expect(await settled(other)).toBe('pending');
    queue.add('n/b', 'user');
    expect(await other).toBe('n/b');
  });

  it('let a person through in a moment while thousands of others are served', async () => {
    const queue = new WorkQueue();
    for (let i = 0; i < 5000; i += 1) queue.add(`crowd/${i}`, i % 2 ? 'event' : 'user');
    for (let i = 0; i < 100; i += 1) {
      queue.add('mine/a', 'user');
      const before: (string | undefined)[] = [];
      for (let key = await queue.get(); key !== 'mine/a'; key = await queue.get()) before.push(key);
      expect(before.length).toBeLessThanOrEqual(2);
      queue.done('mine/a');
    }
  });
});
