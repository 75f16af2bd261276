import type { Token } from 'node-llama-cpp';

export interface Chosen {
  token: Token;
  /** Natural logarithms of probabilities: the likeliest first, as many as were asked for, and the token's own. */
  logprobs?: ReadonlyMap<Token, number>;
}
