import { array, assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stopMatcher } from './stop-strings.ts';

function run(stops: string[], pieces: string[]) {
  const matcher = stopMatcher(stops);
  let text = '';
  for (const piece of pieces) {
    const next = matcher.push(piece);
    text += next.text;
    if (next.stopped) return { text, stopped: true };
  }
  return { text: text + matcher.rest(), stopped: false };
}

describe('stopMatcher', () => {
  it('ends the text before a stop string that is cut over three pieces', () => {
    expect(run(['\nUser:'], ['Hello', '\nUs', 'er', ': more'])).toEqual({ text: 'Hello', stopped: true });
  });

  it('hands out what only looked like the beginning of a stop string', () => {
    expect(run(['\nUser:'], ['Hello', '\nUs', 'eful'])).toEqual({ text: 'Hello\nUseful', stopped: false });
  });

  it('keeps back no more than may be the beginning of a stop string', () => {
    expect(stopMatcher(['###']).push('a #').text).toBe('a ');
  });

  it('takes the stop string that comes first in the text', () => {
    expect(run(['b', 'a'], ['xxaxb'])).toEqual({ text: 'xx', stopped: true });
  });

  it('does not wait for a longer one once a stop string is complete', () => {
    expect(run(['babb', 'a'], ['babb'])).toEqual({ text: 'b', stopped: true });
    expect(run(['babb', 'a'], ['bab', 'b'])).toEqual({ text: 'b', stopped: true });
  });

  it('takes the longest of those that are complete at once', () => {
    expect(run(['b', 'ab'], ['xab'])).toEqual({ text: 'x', stopped: true });
  });

  it('ignores empty stop strings', () => {
    expect(run([''], ['abc'])).toEqual({ text: 'abc', stopped: false });
  });

  it('finds the same end however the text is cut', () => {
    const letters = string({ unit: constantFrom('a', 'b'), maxLength: 12 });
    assert(
      property(array(letters), array(letters, { maxLength: 3 }), (pieces, stops) => {
        const whole = run(stops, [pieces.join('')]);
        expect(run(stops, pieces).text).toBe(whole.text);
      }),
      { numRuns: 1000 },
    );
  });
});
