import { describe, expect, it } from 'vitest';
import { tokenLogprob } from './logprobs.ts';

/** A vocabulary that counts how far it was read. */
function vocabulary(probabilities: [number, number][]) {
  const read: number[] = [];
  function* list(): Generator<[number, number]> {
    for (const one of probabilities) {
      read.push(one[0]);
      yield one;
    }
  }
  return { list: list(), read };
}

const probabilities: [number, number][] = [
  [7, 0.5],
  [8, 0.25],
  [9, 0.25],
  [10, 0],
];

const nameOf = (token: number) => `t${token}`;

describe('tokenLogprob', () => {
  it('tells the token and as many of the likeliest as are asked for', () => {
    const { list } = vocabulary(probabilities);
    expect(tokenLogprob(8, list, 2, nameOf)).toEqual({
      token: 't8',
      logprob: Math.log(0.25),
      top: [
        { token: 't7', logprob: Math.log(0.5) },
        { token: 't8', logprob: Math.log(0.25) },
      ],
    });
  });

  it('reads no further than it has to', () => {
    const { list, read } = vocabulary(probabilities);
    tokenLogprob(7, list, 1, nameOf);
    expect(read).toEqual([7, 8]);
  });

  it('has a number for what cannot be', () => {
    expect(tokenLogprob(10, vocabulary(probabilities).list, 0, nameOf).logprob).toBe(-9999);
    expect(tokenLogprob(11, vocabulary(probabilities).list, 0, nameOf).logprob).toBe(-9999);
  });
});
