/** Finds stop strings in text that arrives in pieces, wherever the pieces are cut. */
export interface StopMatcher {
  /** The text that is safe to hand out: what may be the beginning of a stop string stays back. */
  push(text: string): { text: string; stopped: boolean };
  /** What stayed back, once no more text comes. */
  rest(): string;
}

/**
 * @param stops the text ends before the one of these that is complete first, of several complete at once the longest;
 *   so it ends at one place however it is cut. Empty ones are ignored.
 */
export function stopMatcher(stops: readonly string[]): StopMatcher {
  const wanted = stops.filter((stop) => stop !== '');
  let held = '';
  return {
    push(text) {
      held += text;
      const [first] = wanted
        .map((stop) => ({ start: held.indexOf(stop), length: stop.length }))
        .filter(({ start }) => start >= 0)
        .toSorted((a, b) => a.start + a.length - (b.start + b.length) || a.start - b.start);
      if (first) {
        const before = held.slice(0, first.start);
        held = '';
        return { text: before, stopped: true };
      }
      const keep = Math.max(0, ...wanted.map((stop) => overlap(held, stop)));
      const safe = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { text: safe, stopped: false };
    },
    rest: () => held,
  };
}

/** The length of the longest end of `text` that `stop` begins with. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (stop.startsWith(text.slice(-length))) return length;
  }
  return 0;
}
