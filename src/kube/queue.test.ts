import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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

type Step =
  | { do: 'add' | 'rateLimited' | 'forget'; key: string }
  | { do: 'after'; key: string; ms: number }
  | { do: 'tick'; ms: number }
  | { do: 'get' }
  | { do: 'done'; pick: number };

const key = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constantFrom('add', 'rateLimited', 'forget'), key }),
  fc.record({ do: fc.constant('after'), key, ms: fc.integer({ min: -5, max: 2000 }) }),
  fc.record({ do: fc.constant('tick'), ms: fc.integer({ min: 0, max: 3000 }) }),
  fc.record({ do: fc.constant('get') }),
  fc.record({ do: fc.constant('done'), pick: fc.nat(5) }),
);

describe('whatever happens to it, a work queue', () => {
  it('never hands a key to two workers and loses no add', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const queue = new WorkQueue({ backoff: { baseMs: 10, capMs: 500 }, random: () => 0.5 });
        const held: string[] = [];
        /** Keys that were added after they were last handed out: each must be handed out yet. */
        const owed = new Set<string>();
        const waiting: Promise<void>[] = [];
        const take = (taken: string | undefined): void => {
          if (taken === undefined) return;
          expect(held).not.toContain(taken);
          expect(owed).toContain(taken);
          held.push(taken);
          owed.delete(taken);
        };
        for (const each of steps) {
          if (each.do === 'add') queue.add(each.key);
          else if (each.do === 'after') queue.addAfter(each.key, each.ms);
          else if (each.do === 'rateLimited') queue.addRateLimited(each.key);
          else if (each.do === 'forget') queue.forget(each.key);
          else if (each.do === 'tick') vi.advanceTimersByTime(each.ms);
          else if (each.do === 'get') waiting.push(queue.get().then(take));
          else if ('pick' in each) for (const done of held.splice(each.pick, 1)) queue.done(done);
          if (each.do === 'add' || each.do === 'after' || each.do === 'rateLimited') owed.add(each.key);
          await later();
        }
        // Everything that was asked for comes out once workers go on taking.
        for (let i = 0; i < 20; i += 1) {
          vi.advanceTimersByTime(3000);
          waiting.push(queue.get().then(take));
          await later();
          for (const done of held.splice(0)) queue.done(done);
        }
        expect([...owed]).toEqual([]);
        const drained = queue.shutDown();
        for (const done of held.splice(0)) queue.done(done);
        await Promise.all([drained, ...waiting]);
      }),
      { numRuns: 200 },
    );
  });
});
