import type { ChatMessage } from '../protocols/openai.ts';

/** What the server needs of a loaded model; llama.ts is the real one. */
export interface Engine {
  /** Tokens that a sequence holds: prompt and answer together. */
  readonly contextSize: number;
  /** What a request gets that says nothing, where the model brings more than OpenAI's defaults. */
  readonly defaults: GenerationDefaults;
  /** Requests that wait for a sequence. */
  readonly queued: () => number;
  /** Sequences at work. */
  readonly busy: () => number;
  /**
   * Checks a request and makes it ready to run; nothing is computed before the events are iterated.
   * @throws PromptTooLong, QueueFull, ChatTemplateRefused
   */
  start(request: GenerationRequest): Generation;
}

export interface GenerationRequest {
  prompt: { kind: 'text'; text: string } | { kind: 'chat'; messages: readonly ChatMessage[] };
  sampling: Sampling;
  /** Generation ends before these. */
  stop: readonly string[];
  /** Tokens; absent: until the model ends or the context is full. */
  maxTokens?: number;
  /** Aborted when nobody waits for the answer any more: the sequence is free within a token. */
  signal: AbortSignal;
}

export interface Sampling {
  /** 0: always the most likely token. */
  temperature: number;
  /** 1: off. */
  topP: number;
  /** 0: off. */
  topK: number;
  /** 0: off. */
  minP: number;
  /** Any integer, taken modulo 2^32; absent: random. */
  seed?: number;
  presencePenalty: number;
  frequencyPenalty: number;
  /** 1 and absent: off. With it, the other penalties look at the same tokens. */
  repeatPenalty?: number;
  /** Tokens at the end of the text, of the prompt too, that the repeat penalty is for; -1: all. */
  repeatLastTokens?: number;
}

export interface GenerationDefaults extends Partial<Sampling> {
  /** Tokens. */
  maxTokens?: number;
}

export interface Generation {
  promptTokens: number;
  /** Text as it comes, then one end. Iterate it once. Throws the signal's reason when aborted. */
  events: AsyncIterable<GenerationEvent>;
}

export type GenerationEvent = { type: 'text'; text: string } | GenerationEnd;

export interface GenerationEnd {
  type: 'end';
  finishReason: 'stop' | 'length';
  promptTokens: number;
  completionTokens: number;
  /** Prompt tokens that were still in the sequence from an earlier request. */
  cachedTokens: number;
}

/** The prompt leaves no room for an answer. */
export class PromptTooLong extends Error {
  override readonly name = 'PromptTooLong';
  constructor(promptTokens: number, contextSize: number) {
    super(
      `This model's maximum context length is ${contextSize} tokens. However, the prompt has ${promptTokens} tokens, ` +
        'which leaves no room for an answer. Shorten it, or serve the model with a larger context size.',
    );
  }
}

/** More requests wait than are let in. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
  constructor(waiting: number) {
    super(`${waiting} requests are waiting for a free sequence. Try again later, or add replicas.`);
  }
}

/** The model's chat template cannot render these messages. */
export class ChatTemplateRefused extends Error {
  override readonly name = 'ChatTemplateRefused';
  constructor(cause: unknown) {
    super(
      `The chat template of the model refused these messages: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}
