import { describe, expect, it } from 'vitest';
import { fromLogits, fromProbabilities, tokenLogprob } from './logprobs.ts';

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
  const logprobs = new Map([
    [7, -1],
    [8, -2],
    [9, -Infinity],
  ]);

  it('tells the token and as many of the likeliest as are asked for', () => {
    expect(tokenLogprob(8, logprobs, 1, nameOf)).toEqual({
      token: 't8',
      logprob: -2,
      top: [{ token: 't7', logprob: -1 }],
    });
    expect(tokenLogprob(8, logprobs, 0, nameOf).top).toEqual([]);
  });

  it('has a number for what cannot be', () => {
    expect(tokenLogprob(9, logprobs, 0, nameOf).logprob).toBe(-9999);
    expect(tokenLogprob(11, logprobs, 0, nameOf).logprob).toBe(-9999);
  });
});

describe('fromProbabilities', () => {
  it('has the likeliest and the token itself, and reads no further', () => {
    const { list, read } = vocabulary(probabilities);
    expect(fromProbabilities(list, 9, 1)).toEqual(
      new Map([
        [7, Math.log(0.5)],
        [9, Math.log(0.25)],
      ]),
    );
    expect(read).toEqual([7, 8, 9]);
  });

  it('is content with the token where it is among the likeliest', () => {
    const { list, read } = vocabulary(probabilities);
    expect([...fromProbabilities(list, 7, 2).keys()]).toEqual([7, 8]);
    expect(read).toEqual([7, 8]);
  });
});

it('fromLogits is what fromProbabilities is of the whole vocabulary', () => {
  const logits = [5, 3, 2.5, -1].map((logit, token): [number, number] => [token, logit]);
  const weight = logits.reduce((sum, [, logit]) => sum + Math.exp(logit - 5), 0);
  const shares = logits.map(([token, logit]): [number, number] => [token, Math.exp(logit - 5) / weight]);
  const [some, all] = [fromLogits(new Map(logits.slice(0, 2)), weight), fromProbabilities(shares, 1, 2)];
  expect([...some.keys()]).toEqual([...all.keys()]);
  for (const [token, logprob] of all) expect(some.get(token)).toBeCloseTo(logprob, 12);
});
