import { z } from 'zod';
import type { GenerationDefaults } from '../engine.ts';

/** What the params layer of an Ollama model says about generating. */
export interface OllamaParams {
  /** A chat's answer ends before these. */
  stop: readonly string[];
  /** Tokens per sequence. */
  contextSize?: number;
  defaults: GenerationDefaults;
  /** Names that mean nothing here. */
  ignored: readonly string[];
}

/** https://docs.ollama.com/modelfile#valid-parameters-and-values */
const fields = {
  stop: z.union([z.string().transform((stop) => [stop]), z.array(z.string())]),
  num_ctx: z.int().min(1),
  /** Tokens; negative: until the model ends. */
  num_predict: z.int(),
  temperature: z.number().min(0),
  top_p: z.number().min(0).max(1),
  /** 0 and less: the whole vocabulary. */
  top_k: z.int(),
  min_p: z.number().min(0).max(1),
  /** Negative: random. */
  seed: z.int(),
  presence_penalty: z.number(),
  frequency_penalty: z.number(),
  repeat_penalty: z.number().positive(),
  /** Tokens; 0: none, -1: the whole context. */
  repeat_last_n: z.int().min(-1),
};

const Params = z.looseObject(fields).partial();

/** @throws z.ZodError */
export function ollamaParams(json: unknown): OllamaParams {
  const params = Params.parse(json);
  return {
    stop: params.stop ?? [],
    ...(params.num_ctx !== undefined && { contextSize: params.num_ctx }),
    defaults: defaultsOf(params),
    ignored: Object.keys(params).filter((name) => !Object.hasOwn(fields, name)),
  };
}

function defaultsOf(params: z.infer<typeof Params>): GenerationDefaults {
  const { num_predict: maxTokens = -1, seed = -1 } = params;
  const named = {
    temperature: params.temperature,
    topP: params.top_p,
    topK: params.top_k === undefined ? undefined : Math.max(0, params.top_k),
    minP: params.min_p,
    presencePenalty: params.presence_penalty,
    frequencyPenalty: params.frequency_penalty,
    repeatPenalty: params.repeat_penalty,
    repeatLastTokens: params.repeat_last_n,
    seed: seed < 0 ? undefined : seed,
    maxTokens: maxTokens < 1 ? undefined : maxTokens,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}
