import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseKey } from './kind.ts';
import { higher, isHigher, priorities } from './priority.ts';
import type { Priority } from './priority.ts';
import { Levels } from './queue-levels.ts';

function taken(levels: Levels, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => levels.take('backlog'));
}

describe('levels', () => {
  it('give the highest priority first', () => {
    const levels = new Levels();
    levels.add('n/backlog', 'backlog');
    levels.add('n/event', 'event');
    levels.add('n/user', 'user');
    expect(taken(levels, 4)).toEqual(['n/user', 'n/event', 'n/backlog', undefined]);
  });

  it('let namespaces take turns, so that one object is not behind the thousands of another namespace', () => {
    const levels = new Levels();
    for (let i = 0; i < 5000; i += 1) levels.add(`crowd/${i}`, 'event');
    levels.add('mine/a', 'event');
    levels.add('mine/b', 'event');
    expect(taken(levels, 5)).toEqual(['crowd/0', 'mine/a', 'crowd/1', 'mine/b', 'crowd/2']);
    expect(levels.size).toBe(4997);
  });

  it('give each lower priority a tenth while the highest never ends', () => {
    const levels = new Levels();
    for (const priority of priorities)
      for (let i = 0; i < 1000; i += 1) levels.add(`n/${priority}-${i}`, priority);
    const first = taken(levels, 1000).map((key) => key?.split(/[/-]/)[1]);
    const count = (priority: Priority): number => first.filter((each) => each === priority).length;
    expect(Math.min(count('event'), count('backlog'))).toBeGreaterThanOrEqual(100);
    expect(count('user')).toBeGreaterThan(750);
  });

  it('give nothing below the priority that is asked for, and count that as no passing over', () => {
    const levels = new Levels();
    for (let i = 0; i < 20; i += 1) levels.add(`n/user-${i}`, 'user');
    levels.add('n/event', 'event');
    for (let i = 0; i < 12; i += 1) expect(levels.take('user')).toBe(`n/user-${i}`);
    expect(levels.take('backlog')).toBe('n/user-12');
  });

  it('let no priority starve because some ask for the higher ones only', () => {
    const levels = new Levels();
    for (let i = 0; i < 100; i += 1) levels.add(`n/user-${i}`, 'user');
    for (let i = 0; i < 100; i += 1) levels.add(`n/event-${i}`, 'event');
    levels.add('n/backlog', 'backlog');
    const fromAll: (string | undefined)[] = [];
    for (let i = 0; i < 10; i += 1) {
      for (let choosy = 0; choosy < 8; choosy += 1) levels.take('event');
      fromAll.push(levels.take('backlog'));
    }
    expect(fromAll).toContain('n/backlog');
  });
});

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      key: fc
        .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(40))
        .map(([namespace, i]) => `${namespace}/${i}`),
      priority: fc.constantFrom(...priorities),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('raise' as const), pick: fc.nat(1000) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('take' as const),
      lowest: fc.constantFrom<Priority[]>('backlog', 'backlog', 'backlog', 'event', 'user'),
    }),
  },
);

interface Waiting {
  priority: Priority;
  /** Keys of its own namespace that were there before it. */
  ahead: number;
  /** Namespace -> how many of its keys were taken since. */
  overtakenBy: Map<string, number>;
}

/** What is in the levels, and what of that was taken out against the bounds. */
class Bounds {
  /** In the order of arrival. */
  readonly waiting = new Map<string, Waiting>();
  readonly broken: string[] = [];
  readonly #passed: Record<Priority, number> = { user: 0, event: 0, backlog: 0 };

  add(key: string, priority: Priority): void {
    const ahead = this.#inLine(priority).filter((other) => namespaceOf(other) === namespaceOf(key)).length;
    this.waiting.set(key, { priority, ahead, overtakenBy: new Map() });
  }

  take(key: string | undefined, lowest: Priority): void {
    const asked = priorities.filter((priority) => !isHigher(lowest, priority));
    const open = asked.filter((priority) => this.#inLine(priority).length > 0);
    const entry = this.waiting.get(key ?? '');
    const priority = open.find((each) => each === entry?.priority);
    if (entry?.priority !== priority || (priority === undefined && open.length > 0))
      this.broken.push(`${key} in place of ${open.join()}`);
    if (priority !== undefined && priority !== open[0] && this.#passed[priority] < 8)
      this.broken.push(`${priority} after ${this.#passed[priority]} others`);
    for (const each of asked) {
      this.#passed[each] = each !== priority && open.includes(each) ? this.#passed[each] + 1 : 0;
      if (this.#passed[each] > 9) this.broken.push(`${each} starves`);
    }
    if (key !== undefined && entry !== undefined) this.#tookTurn(key, entry);
  }

  #tookTurn(key: string, { priority }: Waiting): void {
    const mine = namespaceOf(key);
    const line = this.#inLine(priority);
    if (key !== line.find((other) => namespaceOf(other) === mine)) this.broken.push(`${key} was not first`);
    this.waiting.delete(key);
    for (const other of line.filter((other) => namespaceOf(other) !== mine)) {
      const { ahead, overtakenBy } = this.waiting.get(other) as Waiting;
      const times = (overtakenBy.get(mine) ?? 0) + 1;
      overtakenBy.set(mine, times);
      if (times > ahead + 1) this.broken.push(`${other} behind ${ahead}, and ${times} of ${mine}`);
    }
  }

  #inLine(priority: Priority): string[] {
    return [...this.waiting].filter(([, each]) => each.priority === priority).map(([key]) => key);
  }
}

const namespaceOf = (key: string): string => parseKey(key).namespace;

describe('whatever is put into them, levels', () => {
  it('keep within the bounds of priority, of share and of turns, and give everything back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
        const levels = new Levels();
        const bounds = new Bounds();
        const take = (lowest: Priority): void => bounds.take(levels.take(lowest), lowest);
        for (const each of steps) {
          if (each.do === 'take') take(each.lowest);
          else if (each.do === 'add' && !bounds.waiting.has(each.key)) {
            levels.add(each.key, each.priority);
            bounds.add(each.key, each.priority);
          } else if (each.do === 'raise' && bounds.waiting.size > 0) {
            const [key, { priority }] = [...bounds.waiting][each.pick % bounds.waiting.size] as [
              string,
              Waiting,
            ];
            levels.delete(key, priority);
            bounds.waiting.delete(key);
            levels.add(key, higher('event', priority));
            bounds.add(key, higher('event', priority));
          }
        }
        expect(levels.size).toBe(bounds.waiting.size);
        for (let left = levels.size; left >= 0; left -= 1) take('backlog');
        expect(bounds.broken).toEqual([]);
        expect(bounds.waiting.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
