import { randomInt } from 'node:crypto';
import type { LlamaModel, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import { TokenBias } from 'node-llama-cpp';
import type { Sampling } from './engine.ts';
import { tokensOfIds } from './prompt.ts';

export interface TextSoFar {
  prompt: readonly Token[];
  generated: readonly Token[];
  /** Tokens. */
  contextSize: number;
  /** The most tokens that are generated. */
  limit: number;
}

/** Leaves a step out. Absent it would be 40, and with 0 node-llama-cpp sorts the whole vocabulary: half of the speed. */
const off = null as unknown as number;

/** How llama.cpp chooses tokens for this request. */
export function samplingOptions(sampling: Sampling, text: TextSoFar): SequenceEvaluateOptions {
  const { temperature, topP, topK, minP, seed } = sampling;
  return {
    temperature,
    topP,
    topK: topK === 0 ? off : topK,
    minP,
    seed: seed === undefined ? randomInt(2 ** 32) : seed >>> 0,
    ...penaltyOf(sampling, text),
  };
}

/** @throws NotSupported for a token that there is not */
export function tokenBias(model: LlamaModel, bias: ReadonlyMap<number, number>): TokenBias {
  const all = TokenBias.for(model);
  for (const token of tokensOfIds(model, bias.keys())) all.set(token, { logit: bias.get(token) ?? 0 });
  return all;
}

/**
 * OpenAI's penalties are for what was generated. With a repeat penalty, which is llama.cpp's and Ollama's, all of them
 * are for the last tokens of the whole text.
 */
function penaltyOf(
  { presencePenalty, frequencyPenalty, repeatPenalty = 1, repeatLastTokens = 64 }: Sampling,
  { prompt, generated, contextSize, limit }: TextSoFar,
): Pick<SequenceEvaluateOptions, 'repeatPenalty'> {
  const penalty = { penalty: repeatPenalty, presencePenalty, frequencyPenalty };
  if (repeatPenalty !== 1) {
    // llama.cpp reserves memory for as many as it is told of.
    const last = repeatLastTokens < 0 ? contextSize : Math.min(repeatLastTokens, contextSize);
    const punishTokens = () => lastTokens(prompt, generated, last);
    return { repeatPenalty: { ...penalty, punishTokens, maxPunishTokens: last } };
  }
  if (presencePenalty === 0 && frequencyPenalty === 0) return {};
  return { repeatPenalty: { ...penalty, punishTokens: () => [...generated], maxPunishTokens: limit } };
}

function lastTokens(prompt: readonly Token[], generated: readonly Token[], count: number): Token[] {
  if (count === 0) return [];
  const ofPrompt = count - generated.length;
  return [...(ofPrompt > 0 ? prompt.slice(-ofPrompt) : []), ...generated.slice(-count)];
}
