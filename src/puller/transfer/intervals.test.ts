import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  areIntervals,
  bytesIn,
  frontierOf,
  gapsIn,
  within,
  withInterval,
  type Intervals,
} from './intervals.ts';

const size = 40;
const anInterval = fc
  .tuple(fc.nat(size), fc.nat(size))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

/** The plain way to do it: a flag for each byte. */
function flagsOf(intervals: Intervals): boolean[] {
  const flags = Array.from({ length: size }, () => false);
  for (const [start, end] of intervals) flags.fill(true, start, end);
  return flags;
}

describe('intervals', () => {
  it('are the bytes that were added, in order, apart and not empty', () => {
    fc.assert(
      fc.property(fc.array(anInterval), (added) => {
        const intervals = added.reduce<Intervals>(withInterval, []);
        expect(flagsOf(intervals)).toEqual(flagsOf(added));
        expect(areIntervals(intervals, size)).toBe(true);
        expect(bytesIn(intervals)).toBe(flagsOf(added).filter(Boolean).length);
      }),
    );
  });

  it('leave the other bytes as gaps', () => {
    fc.assert(
      fc.property(fc.array(anInterval), (added) => {
        const intervals = added.reduce<Intervals>(withInterval, []);
        const gaps = gapsIn(intervals, size);
        expect(flagsOf(gaps)).toEqual(flagsOf(intervals).map((there) => !there));
        expect(areIntervals(gaps, size)).toBe(true);
        expect(frontierOf(intervals)).toBe(gaps[0]?.[0] ?? size);
      }),
    );
  });

  it('are cut to those within another', () => {
    fc.assert(
      fc.property(fc.array(anInterval), anInterval, (added, [start, end]) => {
        const cut = within(added.reduce<Intervals>(withInterval, []), [start, end]);
        expect(flagsOf(cut)).toEqual(flagsOf(added).map((there, at) => there && at >= start && at < end));
        expect(areIntervals(cut, size)).toBe(true);
      }),
    );
  });

  it('have nothing within an empty one', () => {
    expect(within([[1, 5]], [3, 3])).toEqual([]);
  });

  it.each([
    [
      'out of order',
      [
        [4, 5],
        [1, 2],
      ],
    ],
    [
      'touching',
      [
        [1, 2],
        [2, 3],
      ],
    ],
    ['empty', [[1, 1]]],
    ['backwards', [[3, 1]]],
    ['beyond the end', [[1, 41]]],
    ['negative', [[-1, 4]]],
  ] as [string, [number, number][]][])('are not %s', (_what, intervals) => {
    expect(areIntervals(intervals, size)).toBe(false);
  });
});
