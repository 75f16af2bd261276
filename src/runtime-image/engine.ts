import type { Part } from './answer/part.ts';
import type { Message } from './chat/message.ts';
import type { Tool, ToolChoice } from './chat/tools.ts';
import type { Drafted } from './speculation/drafter.ts';

/** What the server needs of a loaded model; llama.ts is the real one. */
export interface Engine {
  /** Tokens that a sequence holds: prompt and answer together. */
  readonly contextSize: number;
  /** Sequences that are decoded together. */
  readonly parallel: number;
  /** What a request gets that says nothing, where the model brings more than the defaults of an API. */
  readonly defaults: GenerationDefaults;
  readonly abilities: Abilities;
  /** Requests that wait for a sequence. */
  readonly queued: () => number;
  /** Sequences at work. */
  readonly busy: () => number;
  /** Tokens that sequences hold, those of ended requests too. */
  readonly held: () => number;
  readonly drafted: () => Drafted;
  /**
   * Checks a request and makes it ready to run; nothing is computed before the events are iterated.
   * @throws EngineRefusal
   */
  start(request: GenerationRequest): Promise<Generation>;
  /**
   * One vector for each text.
   * @param truncate whether a text that is too long loses its end; otherwise it is refused
   * @throws EngineRefusal, and the signal's reason when it is aborted
   */
  embed(inputs: readonly EmbeddingInput[], waiting: Waiting, truncate?: boolean): Promise<Embeddings>;
  /**
   * How well each document answers the query, from 0 to 1.
   * @throws EngineRefusal, and the signal's reason when it is aborted
   */
  rank(query: string, documents: readonly string[], waiting: Waiting): Promise<Ranking>;
}

/** What not every model can do. */
export interface Abilities {
  /** Its chats have a form for calls. */
  tools: boolean;
  /** It thinks before it answers, where its chats have a form for that. */
  thoughts: boolean;
  /** It writes what is between two texts. */
  infill: boolean;
}

/** How a request stands in line. */
export interface Waiting {
  /** Aborted when nobody waits for the answer any more: what it holds is free within a token. */
  signal: AbortSignal;
  /** Whose request it is: those who wait take turns, each with what came first from them. */
  client: string;
}

/** Text, or token ids. */
export type EmbeddingInput = string | readonly number[];

export interface Embeddings {
  vectors: (readonly number[])[];
  /** Of all inputs together. */
  tokens: number;
}

export interface Ranking {
  /** In the order of the documents. */
  scores: readonly number[];
  tokens: number;
}

export interface GenerationRequest extends Waiting {
  prompt: TextPrompt | ChatPrompt;
  sampling: Sampling;
  /** Generation ends before these. */
  stop: readonly string[];
  /** Tokens; absent: until the model ends or the context is full. */
  maxTokens?: number;
  /** Tokens of prompt and answer together; absent, or more than a sequence holds: as many as that. */
  contextSize?: number;
  /** What the answer is held to; absent: nothing. */
  structure?: Structure;
  /** How many of the likeliest tokens are told, with their probabilities, beside each that was taken; absent: nothing is. */
  logprobs?: number;
  /** Whether a prompt that is too long loses its oldest part; absent: it is refused. */
  truncate?: boolean;
  /** Called as each token of the answer is there, those that show no text too. */
  onToken?: () => void;
}

export interface TextPrompt {
  kind: 'text';
  /** Text, special tokens in it read as such, or token ids as they stand. */
  text: string | readonly number[];
  /** What comes after the answer; absent: nothing is said of it. */
  suffix?: string;
}

export interface ChatPrompt {
  kind: 'chat';
  /** A last message of the assistant is the beginning of the answer. */
  messages: readonly Message[];
  tools?: readonly Tool[];
  /** Absent: auto. */
  toolChoice?: ToolChoice;
  /** false: one call at most; absent: as many as the format knows to write. */
  parallelCalls?: boolean;
  /** A Go template, as Ollama has them, in place of the model's own format. */
  template?: string;
}

export type Structure =
  { type: 'json' } | { type: 'schema'; schema: Readonly<Record<string, unknown>>; strict: boolean };

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
  /** What is added to the logits of tokens, by id. */
  logitBias?: ReadonlyMap<number, number>;
}

export interface GenerationDefaults extends Partial<Sampling> {
  /** Tokens. */
  maxTokens?: number;
}

export interface Generation {
  promptTokens: number;
  /** What comes, as it comes, then one end. Iterate it once. Throws the signal's reason when aborted. */
  events: AsyncIterable<GenerationEvent>;
}

export type GenerationEvent = (Part & { logprobs?: readonly TokenLogprob[] }) | GenerationEnd;

export interface Likely {
  token: string;
  /** Natural; of the distribution that the token was drawn from. */
  logprob: number;
}

export interface TokenLogprob extends Likely {
  /** The likeliest first. */
  top: readonly Likely[];
}

export interface GenerationEnd {
  type: 'end';
  finishReason: 'stop' | 'length' | 'calls';
  promptTokens: number;
  completionTokens: number;
  /** Those of them that were thought. */
  thoughtTokens: number;
  /** Prompt tokens that were still in the sequence from an earlier request. */
  cachedTokens: number;
  /** Seconds. */
  timings: {
    /** For a sequence to be free. */
    waiting: number;
    /** From then to the first token. */
    prompt: number;
    /** From the first token to the last. */
    generation: number;
  };
}
