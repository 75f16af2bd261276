/** From `start` up to but not including `end`, in bytes. */
export type Interval = readonly [start: number, end: number];

/** Bytes of a file, as intervals that are in order, apart from each other, and not empty. */
export type Intervals = readonly Interval[];

export function bytesIn(intervals: Intervals): number {
  return intervals.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** With one more interval, which may lie anywhere. */
export function withInterval(intervals: Intervals, [start, end]: Interval): Intervals {
  if (start >= end) return intervals;
  const before = intervals.filter((each) => each[1] < start);
  const after = intervals.filter((each) => each[0] > end);
  const touching = intervals.slice(before.length, intervals.length - after.length);
  const from = Math.min(start, touching[0]?.[0] ?? start);
  const to = Math.max(end, touching.at(-1)?.[1] ?? end);
  return [...before, [from, to], ...after];
}

/** What they leave of a file. */
export function gapsIn(intervals: Intervals, sizeBytes: number): Intervals {
  const gaps: Interval[] = [];
  let at = 0;
  for (const [start, end] of intervals) {
    if (start > at) gaps.push([at, start]);
    at = end;
  }
  if (at < sizeBytes) gaps.push([at, sizeBytes]);
  return gaps;
}

/** Those bytes of them that are in one interval. */
export function within(intervals: Intervals, [start, end]: Interval): Intervals {
  return intervals
    .map(([from, to]) => [Math.max(from, start), Math.min(to, end)] as const)
    .filter(([from, to]) => from < to);
}

/** How far the file is there without a gap from its beginning. */
export function frontierOf(intervals: Intervals): number {
  const [first] = intervals;
  return first !== undefined && first[0] === 0 ? first[1] : 0;
}

/** Whether somebody else's intervals are what the type promises, within a file of this size. */
export function areIntervals(intervals: readonly (readonly [number, number])[], sizeBytes: number): boolean {
  let at = -1;
  for (const [start, end] of intervals) {
    if (start <= at || end <= start) return false;
    at = end;
  }
  return at <= sizeBytes;
}
