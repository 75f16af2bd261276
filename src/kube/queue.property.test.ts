import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backoffMs } from './backoff.ts';
import { higher, isHigher, priorities } from './priority.ts';
import type { Priority } from './priority.ts';
import { WorkQueue } from './queue.ts';
import type { QueueObserver } from './queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const settled = async <T>(promise: Promise<T>): Promise<T | 'pending'> => Promise.race([promise, later()]);
const later = async (): Promise<'pending'> => {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
  return 'pending';
};

type Step =
  | { do: 'rateLimited'; key: string }
  | { do: 'forget'; key: string }
  | { do: 'add'; key: string; priority: Priority }
  | { do: 'after'; key: string; priority: Priority; ms: number }
  | { do: 'tick'; ms: number }
  | { do: 'get'; lowest: Priority }
  | { do: 'done'; pick: number };

const key = fc.constantFrom('m/a', 'm/b', 'n/c');
const priority = fc.constantFrom(...priorities);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('rateLimited'), key }),
  fc.record({ do: fc.constant('forget'), key }),
  fc.record({ do: fc.constant('add'), key, priority }),
  fc.record({ do: fc.constant('after'), key, priority, ms: fc.integer({ min: -5, max: 2000 }) }),
  fc.record({ do: fc.constant('tick'), ms: fc.integer({ min: 0, max: 3000 }) }),
  fc.record({ do: fc.constant('get'), lowest: priority }),
  fc.record({ do: fc.constant('done'), pick: fc.nat(5) }),
);

/** What may be handed out, by when, and how urgently: the contract, without an order. */
class Expected implements QueueObserver {
  /** Key -> the priority with which it was handed out. */
  readonly held = new Map<string, Priority>();
  /** Keys that were asked for since they were handed out: each must be handed out yet. */
  readonly owed = new Map<string, { priority: Priority; dueAt: number }>();
  /** As the queue tells. */
  readonly #due = new Map<string, Priority>();

  asked(key: string, ms: number, priority: Priority): void {
    const { priority: before = priority, dueAt = Infinity } = this.owed.get(key) ?? {};
    const at = Math.min(dueAt, performance.now() + Math.max(0, ms));
    this.owed.set(key, { priority: higher(before, priority), dueAt: at });
  }

  taken(key: string | undefined, lowest: Priority): void {
    if (key === undefined) return;
    expect([...this.held.keys()]).not.toContain(key);
    const { priority = 'backlog', dueAt = Infinity } = this.owed.get(key) ?? {};
    expect(dueAt).toBeLessThanOrEqual(performance.now());
    expect(isHigher(lowest, priority)).toBe(false);
    this.held.set(key, priority);
    this.owed.delete(key);
  }

  due(key: string, priority: Priority): void {
    expect(this.#due.has(key)).toBe(false);
    this.#due.set(key, priority);
  }

  raised(key: string, priority: Priority): void {
    expect(isHigher(priority, this.#due.get(key) ?? 'user')).toBe(true);
    this.#due.set(key, priority);
  }

  handedOut(key: string): void {
    expect(this.#due.get(key)).toBe(this.owed.get(key)?.priority);
    this.#due.delete(key);
  }

  done(key: string): void {
    expect(this.held.delete(key)).toBe(true);
  }

  retried(): void {}
}

describe('whatever happens to it, a work queue', () => {
  it('never hands a key to two workers, loses no add and no priority, and is not early', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.boolean(),
        async (steps, drains) => {
          const expected = new Expected();
          const [backoff, random] = [{ baseMs: 16, capMs: 512 }, () => 0.5];
          const queue = new WorkQueue({ backoff, random, observer: expected });
          const waiting: Promise<void>[] = [];
          let closed = false;
          const get = (lowest: Priority): void => {
            const take = (key: string | undefined): void => {
              expect(key === undefined).toBe(closed);
              expected.taken(key, lowest);
            };
            waiting.push(queue.get(lowest).then(take));
          };
          for (const each of steps) {
            // Whoever was handed a key before it was asked for again has to be heard first.
            await later();
            if (each.do === 'add') {
              expected.asked(each.key, 0, each.priority);
              queue.add(each.key, each.priority);
            } else if (each.do === 'after') {
              expected.asked(each.key, each.ms, each.priority);
              queue.addAfter(each.key, each.ms, each.priority);
            } else if (each.do === 'rateLimited') {
              const ms = backoffMs(queue.failures(each.key) + 1, backoff, random);
              expected.asked(each.key, ms, expected.held.get(each.key) ?? 'event');
              queue.addRateLimited(each.key);
            } else if (each.do === 'forget') queue.forget(each.key);
            else if (each.do === 'tick') vi.advanceTimersByTime(each.ms);
            else if (each.do === 'get') get(each.lowest);
            else for (const key of [...expected.held.keys()].slice(each.pick, each.pick + 1)) queue.done(key);
          }
          // Everything that was asked for comes out once workers go on taking.
          for (let i = 0; i < (drains ? 20 : 0); i += 1) {
            vi.advanceTimersByTime(3000);
            get('backlog');
            await later();
            for (const key of expected.held.keys()) queue.done(key);
          }
          expect(drains ? [...expected.owed.keys()] : []).toEqual([]);
          await later();
          closed = true;
          const drained = queue.shutDown();
          // None that keeps the process from ending.
          expect(vi.getTimerCount()).toBe(0);
          get('backlog');
          for (const key of ['m/a', 'm/b', 'n/c']) queue.add(key, 'user');
          vi.advanceTimersByTime(10_000);
          expect(queue.length).toBe(0);
          const isDrained = (await settled(drained.then(() => 'drained'))) === 'drained';
          expect(isDrained).toBe(expected.held.size === 0);
          for (const key of expected.held.keys()) queue.done(key);
          await Promise.all([drained, ...waiting]);
          expect(queue.length).toBe(0);
        },
      ),
      { numRuns: 200 },
    );
  });
});
