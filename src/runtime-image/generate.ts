import { randomInt } from 'node:crypto';
import type { LlamaContextSequence, LlamaModel, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import type { Generation, GenerationEnd, GenerationEvent, GenerationRequest, Sampling } from './engine.ts';
import { PromptTooLong } from './engine.ts';
import type { Pool } from './pool.ts';
import { stopMatcher } from './stop-strings.ts';
import { textDecoder } from './text-decoder.ts';

/** What a sequence is to continue. */
export interface Prompt {
  tokens: readonly Token[];
  /** Tokens that end the answer, beside the model's own end of generation. */
  stopTokens: ReadonlySet<Token>;
  stopStrings: readonly string[];
}

/** Raw text, special tokens in it read as such; begins with the model's BOS where it wants one and the text has none. */
export function completionPrompt(model: LlamaModel, text: string): Prompt {
  const tokens = withStart(model, model.tokenize(text, true));
  return { tokens, stopTokens: new Set(), stopStrings: [] };
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

export interface GenerationParts {
  model: LlamaModel;
  pool: Pool<LlamaContextSequence>;
  /** Tokens. */
  contextSize: number;
  request: GenerationRequest;
  prompt: Prompt;
}

/** See Engine.start. */
export function startGeneration(parts: GenerationParts): Generation {
  const promptTokens = parts.prompt.tokens.length;
  if (promptTokens >= parts.contextSize) throw new PromptTooLong(promptTokens, parts.contextSize);
  parts.pool.ensureRoom();
  return { promptTokens, events: run(parts) };
}

async function* run(parts: GenerationParts): AsyncGenerator<GenerationEvent> {
  const { pool, prompt, request } = parts;
  const sequence = await pool.acquire(
    request.signal,
    (idle) => idle.compareContextTokens([...prompt.tokens]).firstDifferentIndex,
  );
  let end: GenerationEnd;
  try {
    end = yield* generate(sequence, parts);
  } catch (error) {
    if (!request.signal.aborted) await sequence.clearHistory();
    throw error;
  } finally {
    pool.release(sequence);
  }
  yield end;
}

async function* generate(
  sequence: LlamaContextSequence,
  { model, contextSize, request, prompt }: GenerationParts,
): AsyncGenerator<GenerationEvent, GenerationEnd> {
  const { signal } = request;
  const promptTokens = prompt.tokens.length;
  const room = contextSize - promptTokens;
  const limit = Math.min(request.maxTokens ?? room, room);
  const { cachedTokens, rest } = await feed(sequence, prompt.tokens, signal);

  const decoder = textDecoder<Token>(
    (tokens, before) => model.detokenize(tokens, false, before),
    prompt.tokens,
  );
  const matcher = stopMatcher([...request.stop, ...prompt.stopStrings]);
  const generated: Token[] = [];
  let finishReason: GenerationEnd['finishReason'] | undefined;

  const sampling = samplingOptions(request.sampling, {
    prompt: prompt.tokens,
    generated,
    contextSize,
    limit,
  });
  for await (const token of sequence.evaluate(rest, sampling)) {
    signal.throwIfAborted();
    if (prompt.stopTokens.has(token)) break;
    generated.push(token);
    const { text, stopped } = matcher.push(decoder.push(token));
    if (text !== '') yield { type: 'text', text };
    if (stopped) finishReason = 'stop';
    else if (generated.length >= limit) finishReason = 'length';
    if (finishReason) break;
  }
  signal.throwIfAborted();

  if (finishReason !== 'stop') {
    const last = matcher.push(decoder.rest());
    const text = last.stopped ? last.text : last.text + matcher.rest();
    if (text !== '') yield { type: 'text', text };
    if (last.stopped) finishReason = 'stop';
  }
  return {
    type: 'end',
    finishReason: finishReason ?? 'stop',
    promptTokens,
    completionTokens: generated.length,
    cachedTokens,
  };
}

/**
 * Brings the prompt into the sequence, all but the last batch of it (`rest`), from which generation starts. What the
 * sequence still has of an earlier request is not computed again. An abort is seen between batches.
 */
async function feed(sequence: LlamaContextSequence, tokens: readonly Token[], signal: AbortSignal) {
  // One token has to be computed to get the next, so a prompt is never taken from the cache to its end.
  await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
  const cachedTokens = sequence.nextTokenIndex;
  const { batchSize } = sequence.context;
  let at = cachedTokens;
  for (; tokens.length - at > batchSize; at += batchSize) {
    signal.throwIfAborted();
    await sequence.evaluateWithoutGeneratingNewTokens(tokens.slice(at, at + batchSize));
  }
  signal.throwIfAborted();
  return { cachedTokens, rest: tokens.slice(at) };
}

function samplingOptions(sampling: Sampling, text: TextSoFar): SequenceEvaluateOptions {
  const { temperature, topP, topK, minP, seed } = sampling;
  return {
    temperature,
    topP,
    topK,
    minP,
    seed: seed === undefined ? randomInt(2 ** 32) : seed >>> 0,
    ...penaltyOf(sampling, text),
  };
}

interface TextSoFar {
  prompt: readonly Token[];
  generated: readonly Token[];
  /** Tokens. */
  contextSize: number;
  /** The most tokens that are generated. */
  limit: number;
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
    const last = repeatLastTokens < 0 ? contextSize : repeatLastTokens;
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
