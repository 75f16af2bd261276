import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesIn, type Interval } from './intervals.ts';
import { partsOf } from './parts.ts';

const MiB = 1 << 20;

function all(sizeBytes: number, connections: number): Interval[] {
  const parts = partsOf([[0, sizeBytes]]);
  const taken: Interval[] = [];
  for (let part = parts.take(connections); part !== undefined; part = parts.take(connections))
    taken.push(part);
  return taken;
}

describe('the parts of a file', () => {
  it('cover it once, in order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 40 }),
        fc.integer({ min: 1, max: 32 }),
        (size, connections) => {
          const taken = all(Math.min(size, 2 ** 33), connections);
          expect(taken[0]![0]).toBe(0);
          expect(taken.at(-1)![1]).toBe(Math.min(size, 2 ** 33));
          for (const [i, [start]] of taken.slice(1).entries()) expect(start).toBe(taken[i]![1]);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('get smaller towards the end, where one connection would keep the others waiting', () => {
    const sizes = all(2048 * MiB, 16).map(([start, end]) => (end - start) / MiB);
    expect(sizes[0]).toBe(64);
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
    expect(sizes.at(-1)).toBeLessThanOrEqual(6);
    expect(sizes.length).toBeLessThan(100);
  });

  it('of a small file are one', () => {
    expect(all(5 * MiB, 4)).toEqual([[0, 5 * MiB]]);
  });

  it('that could not be fetched come again, before later ones', () => {
    const parts = partsOf([[0, 100 * MiB]]);
    const first = parts.take(4)!;
    const second = parts.take(4)!;
    parts.giveBack(second);
    parts.giveBack([first[0] + MiB, first[1]]);
    expect(parts.leftBytes).toBe(99 * MiB);
    expect(parts.take(4)![0]).toBe(MiB);
  });

  it('never reach over what is there already', () => {
    const gaps: Interval[] = [
      [0, 3],
      [10, 5 * MiB],
      [40 * MiB, 41 * MiB],
    ];
    const parts = partsOf(gaps);
    expect([parts.take(1), parts.take(1), parts.take(1), parts.take(1)]).toEqual([...gaps, undefined]);
    expect(bytesIn(gaps)).toBe(3 + 5 * MiB - 10 + MiB);
  });
});
