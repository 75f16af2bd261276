import type { Likely, TokenLogprob } from './engine.ts';

/** What is written for a probability of zero, as vLLM has it: JSON has no infinity. */
const impossible = -9999;

/** What is told of a chosen token and of the likeliest ones. @param logprobs the likeliest first */
export function tokenLogprob<Token>(
  token: Token,
  logprobs: ReadonlyMap<Token, number>,
  top: number,
  textOf: (token: Token) => string,
): TokenLogprob {
  const told = (each: Token): Likely => ({
    token: textOf(each),
    logprob: Math.max(logprobs.get(each) ?? impossible, impossible),
  });
  return { ...told(token), top: [...logprobs.keys()].slice(0, top).map(told) };
}

/**
 * Those of a token and of the likeliest. Reads no further into the list than it has to: it is as long as the vocabulary.
 * @param probabilities the likeliest first
 */
export function fromProbabilities<Token>(
  probabilities: Iterable<[Token, number]>,
  token: Token,
  top: number,
): Map<Token, number> {
  const logprobs = new Map<Token, number>();
  for (const [other, probability] of probabilities) {
    if (other !== token && logprobs.size >= top) continue;
    logprobs.set(other, Math.log(probability));
    if (logprobs.size >= top && logprobs.has(token)) break;
  }
  return logprobs;
}

/**
 * The same of a few logits.
 * @param logits the likeliest first
 * @param weight the sum of e^(logit - the largest) over the vocabulary
 */
export function fromLogits<Token>(logits: ReadonlyMap<Token, number>, weight: number): Map<Token, number> {
  const [largest = 0] = logits.values();
  const rest = largest + Math.log(weight);
  return new Map([...logits].map(([token, logit]) => [token, logit - rest]));
}
