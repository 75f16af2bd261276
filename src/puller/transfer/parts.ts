import { bytesIn, withInterval, type Interval, type Intervals } from './intervals.ts';

/** Which bytes of a file nobody is fetching yet. */
export interface Parts {
  readonly leftBytes: number;
  /**
   * The next part to fetch: the earliest, so that the hash can follow, and the smaller the less there is left, so that
   * all connections end together. Undefined when every byte is being fetched.
   * @param connections How many may fetch at the same time.
   */
  take(connections: number): Interval | undefined;
  /** What could not be fetched is left again. */
  giveBack(interval: Interval): void;
}

/** Large against a round trip, small against what has to be fetched again when a connection breaks unnoticed. */
const largest = 64 << 20;
const smallest = 4 << 20;

export function partsOf(gaps: Intervals): Parts {
  let left = gaps;
  return {
    get leftBytes() {
      return bytesIn(left);
    },
    take(connections) {
      const [first, ...rest] = left;
      if (first === undefined) return undefined;
      const [start, end] = first;
      const wanted = Math.min(largest, Math.max(smallest, Math.ceil(bytesIn(left) / connections)));
      // What would be left over and too small for a request of its own goes along.
      const until = end - start < wanted + smallest / 2 ? end : start + wanted;
      left = until === end ? rest : [[until, end], ...rest];
      return [start, until];
    },
    giveBack(interval) {
      left = withInterval(left, interval);
    },
  };
}
