import type { Likely, TokenLogprob } from './engine.ts';

/** What is written for a probability of zero, as vLLM has it: JSON has no infinity. */
const impossible = -9999;

/**
 * The logarithms of the probabilities of a chosen token and of the likeliest ones. Reads no further into the list than
 * it has to: the list is as long as the vocabulary.
 */
export function tokenLogprob<Token>(
  token: Token,
  probabilities: Iterable<[Token, number]>,
  top: number,
  textOf: (token: Token) => string,
): TokenLogprob {
  const likeliest: Likely[] = [];
  let own: number | undefined;
  for (const [other, probability] of probabilities) {
    if (other === token) own = probability;
    if (likeliest.length < top) {
      likeliest.push({ token: textOf(other), logprob: logarithm(probability) });
    } else if (own !== undefined) {
      break;
    }
  }
  return { token: textOf(token), logprob: logarithm(own ?? 0), top: likeliest };
}

const logarithm = (probability: number) =>
  probability > 0 ? Math.max(Math.log(probability), impossible) : impossible;
