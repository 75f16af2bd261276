import type { Token } from 'node-llama-cpp';

export interface Chosen {
  token: Token;
  /** The likeliest first: of the whole vocabulary, or what is left of it. */
  probabilities?: Iterable<[Token, number]>;
}
