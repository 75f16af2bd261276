import type { Message } from './message.ts';

/**
 * The chat without as many of its oldest messages as it takes to fit. System messages stay, and it begins with what a
 * user says: neither an answer nor the result of a call stands there without what it belongs to.
 * @returns undefined where not even the last thing that a user says fits
 */
export function truncatedChat(
  messages: readonly Message[],
  fits: (messages: readonly Message[]) => boolean,
): readonly Message[] | undefined {
  const from = (start: number) => messages.filter(({ role }, i) => i >= start || role === 'system');
  const starts = messages.flatMap(({ role }, i) => (role === 'user' ? [i] : []));
  // What is left gets shorter with every start: halve.
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (fits(from(starts[middle] ?? 0))) high = middle;
    else low = middle + 1;
  }
  const start = starts[low];
  return start === undefined ? undefined : from(start);
}
