import type { SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import { AnswerReader } from './answer/reader.ts';
import type { Part } from './answer/part.ts';
import type {
  Generation,
  GenerationEnd,
  GenerationEvent,
  GenerationRequest,
  TokenLogprob,
} from './engine.ts';
import { tokenLogprob } from './logprobs.ts';
import type { Pool } from './pool.ts';
import type { Prompt } from './prompt.ts';
import { PromptTooLong } from './refusal.ts';
import type { Sequence } from './sequence.ts';
import { textDecoder } from './text-decoder.ts';

/** What of a model turns tokens into text. */
export interface Vocabulary {
  tokenize(text: string, special: true): Token[];
  /** @param special whether special tokens are written out; otherwise they show as nothing */
  detokenize(tokens: readonly Token[], special: boolean, before?: readonly Token[]): string;
}

export interface GenerationParts {
  vocabulary: Vocabulary;
  pool: Pool<Sequence>;
  /** Tokens. */
  contextSize: number;
  request: GenerationRequest;
  prompt: Prompt;
  /** How tokens are chosen. */
  optionsFor: (generated: readonly Token[], limit: number, reader: AnswerReader) => SequenceEvaluateOptions;
  parallelCalls: boolean;
  /** Milliseconds. */
  now: () => number;
}

/** See Engine.start. */
export function startGeneration(parts: GenerationParts): Generation {
  const promptTokens = parts.prompt.tokens.length;
  if (promptTokens >= parts.contextSize) throw new PromptTooLong(promptTokens, parts.contextSize);
  parts.pool.ensureRoom();
  return { promptTokens, events: run(parts) };
}

async function* run(parts: GenerationParts): AsyncGenerator<GenerationEvent> {
  const { pool, prompt, request, now } = parts;
  const asked = now();
  const sequence = await pool.acquire(request, (idle) => reuse(idle, prompt.tokens));
  let end: GenerationEnd;
  try {
    end = yield* generate(sequence, parts, (now() - asked) / 1000);
  } catch (error) {
    if (!request.signal.aborted) await sequence.clear();
    throw error;
  } finally {
    pool.release(sequence);
  }
  yield end;
}

/**
 * How much a request gains from what a sequence holds: tokens that need not be computed. Little is no reason to take
 * it: what it holds may be a conversation that goes on, and most texts have a beginning in common.
 */
export function reuse(sequence: Pick<Sequence, 'commonPrefix'>, tokens: readonly Token[]): number {
  const common = sequence.commonPrefix(tokens);
  return common * 10 < tokens.length ? 0 : common;
}

async function* generate(
  sequence: Sequence,
  parts: GenerationParts,
  waiting: number,
): AsyncGenerator<GenerationEvent, GenerationEnd> {
  const { contextSize, request, prompt, vocabulary, now } = parts;
  const { signal, logprobs: top } = request;
  const promptTokens = prompt.tokens.length;
  const room = contextSize - promptTokens;
  const limit = Math.min(request.maxTokens ?? room, room);
  const begun = now();
  const { cachedTokens, rest } = await feed(sequence, prompt.tokens, signal);

  const reader = new AnswerReader(
    prompt.answer,
    [...request.stop, ...prompt.stopStrings],
    parts.parallelCalls,
  );
  const write = writer(vocabulary, prompt);
  const events = eventsWithLogprobs();
  const generated: Token[] = [];
  let thoughtTokens = 0;
  let first = begun;
  let last = begun;
  let ended = true;

  const options = parts.optionsFor(generated, limit, reader);
  for await (const { token, logprobs } of sequence.continue(rest, options, top)) {
    signal.throwIfAborted();
    last = now();
    if (generated.length === 0) first = last;
    request.onToken?.();
    if (prompt.stopTokens.has(token)) break;
    generated.push(token);
    if (reader.mode === 'thought') thoughtTokens++;
    if (logprobs && top !== undefined && reader.mode === 'text') {
      events.add(tokenLogprob(token, logprobs, top, (one) => vocabulary.detokenize([one], true)));
    }
    yield* events.of(reader.push(write.token(token)));
    if (reader.done) break;
    if (generated.length >= limit) {
      ended = false;
      break;
    }
  }
  signal.throwIfAborted();
  if (!reader.done) {
    yield* events.of([...reader.push(write.rest()), ...reader.rest()]);
  }
  yield* events.rest();
  return {
    type: 'end',
    finishReason: !ended && !reader.stopped ? 'length' : reader.hasCalls ? 'calls' : 'stop',
    promptTokens,
    completionTokens: generated.length,
    thoughtTokens,
    cachedTokens,
    timings: { waiting, prompt: (first - begun) / 1000, generation: (last - first) / 1000 },
  };
}

/**
 * Brings the prompt into the sequence, all but the last batch of it (`rest`), from which generation starts. What the
 * sequence still has of an earlier request is not computed again. An abort is seen between batches.
 */
async function feed(sequence: Sequence, tokens: readonly Token[], signal: AbortSignal) {
  // One token has to be computed to get the next, so a prompt is never taken from the cache to its end.
  await sequence.adapt(tokens.slice(0, -1));
  const cachedTokens = sequence.length();
  const { batchSize } = sequence;
  let at = cachedTokens;
  for (; tokens.length - at > batchSize; at += batchSize) {
    signal.throwIfAborted();
    await sequence.feed(tokens.slice(at, at + batchSize));
  }
  signal.throwIfAborted();
  return { cachedTokens, rest: tokens.slice(at) };
}

/** Text of tokens as they come. Special tokens show where they may be a part of a marker. */
function writer(vocabulary: Vocabulary, prompt: Prompt) {
  const decoder = textDecoder<Token>(
    (tokens, before) => vocabulary.detokenize(tokens, false, before),
    prompt.tokens,
  );
  const marks = markerTokens(vocabulary, prompt);
  return {
    token(token: Token): string {
      const mark = marks.get(token);
      return mark === undefined ? decoder.push(token) : decoder.rest() + mark;
    },
    rest: () => decoder.rest(),
  };
}

/** The special tokens in the markers of a format, written out. */
function markerTokens(vocabulary: Vocabulary, { answer }: Prompt): Map<Token, string> {
  const { thought, call, announced } = answer;
  const markers = [
    ...(thought ? [thought.begin, thought.end] : []),
    ...(call ? [...call.begins, call.afterName(''), call.end(''), call.between ?? ''] : []),
    ...(announced ? [...announced.begins, ...announced.ends] : []),
  ];
  const tokens = new Set(markers.flatMap((marker) => vocabulary.tokenize(marker, true)));
  const hidden = [...tokens].filter((token) => vocabulary.detokenize([token], false) === '');
  return new Map(hidden.map((token) => [token, vocabulary.detokenize([token], true)]));
}

/** Tokens and text come at different times: probabilities go with the next text, or come last. */
function eventsWithLogprobs() {
  let pending: TokenLogprob[] = [];
  return {
    add: (one: TokenLogprob) => pending.push(one),
    *of(parts: readonly Part[]): Generator<GenerationEvent> {
      for (const part of parts) {
        if (part.type !== 'text' || pending.length === 0) {
          yield part;
        } else {
          const logprobs = pending;
          pending = [];
          yield { ...part, logprobs };
        }
      }
    },
    *rest(): Generator<GenerationEvent> {
      if (pending.length > 0) yield { type: 'text', text: '', logprobs: pending };
    },
  };
}
