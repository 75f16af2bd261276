import type { LlamaModel, Token } from 'node-llama-cpp';
import type { AnswerShape } from './answer/shape.ts';
import { NotSupported } from './refusal.ts';

/** What a sequence is to continue. */
export interface Prompt {
  tokens: readonly Token[];
  /** Tokens that end the answer, beside the model's own end of generation. */
  stopTokens: ReadonlySet<Token>;
  stopStrings: readonly string[];
  answer: AnswerShape;
}

/** Begins with the model's BOS where it wants one and the text has none. */
export function completionPrompt(model: LlamaModel, text: string | readonly number[]): Prompt {
  const tokens = typeof text === 'string' ? model.tokenize(text, true) : tokensOfIds(model, text);
  return { tokens: withStart(model, tokens), stopTokens: new Set(), stopStrings: [], answer: {} };
}

/**
 * Asks for what is between two texts, as llama.cpp does: https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md
 * (POST /infill).
 * @throws NotSupported
 */
export function infillPrompt(
  model: Pick<LlamaModel, 'tokens' | 'tokenize' | 'fileInfo'>,
  text: string | readonly number[],
  suffix: string,
): Prompt {
  const { prefix, suffix: beforeSuffix, middle } = model.tokens.infill;
  if (prefix === null || beforeSuffix === null || middle === null) {
    throw new NotSupported(
      'This model cannot fill in between two texts: its vocabulary has no tokens for that.',
    );
  }
  const before = typeof text === 'string' ? model.tokenize(text) : tokensOfIds(model, text);
  const tokens = [prefix, ...before, beforeSuffix, ...model.tokenize(suffix), middle];
  return { tokens: withStart(model, tokens), stopTokens: new Set(), stopStrings: [], answer: {} };
}

/** With the model's BOS in front where it wants one and has none yet. */
export function withStart(
  { tokens: special }: Pick<LlamaModel, 'tokens'>,
  tokens: readonly Token[],
): Token[] {
  const { bos, eos, shouldPrependBosToken } = special;
  if (shouldPrependBosToken && bos !== null && tokens[0] !== bos) return [bos, ...tokens];
  const anyStart = bos ?? eos;
  // Nothing can be computed from nothing: a model without BOS starts an empty prompt from what it has.
  return tokens.length === 0 && anyStart !== null ? [anyStart] : [...tokens];
}

/** @throws NotSupported where an id is none of the vocabulary's: llama.cpp would end the process */
export function tokensOfIds(model: Pick<LlamaModel, 'fileInfo'>, ids: Iterable<number>): Token[] {
  const size = model.fileInfo.metadata.tokenizer.ggml.tokens.length;
  return Array.from(ids, (id) => {
    if (id < size) return id as Token;
    throw new NotSupported(`There is no token ${id}: the vocabulary of this model has ${size} tokens.`);
  });
}
