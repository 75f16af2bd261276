import { z } from 'zod';

/** What OpenAI takes when a request says nothing. `topK` is llama.cpp's own; 0 is the whole vocabulary. */
export const samplingDefaults = { temperature: 1, topP: 1, topK: 40, minP: 0 } as const;

/** The most alternatives of a token whose probabilities are told, as in OpenAI's chats. */
export const mostLogprobs = 20;

/** The most answers to one request. */
export const mostChoices = 16;

/** Fields that say how tokens are chosen and where an answer ends. `top_k` and `min_p` are as other open servers have them. */
export const samplingFields = {
  /** Absent: the model that is served. */
  model: z.string().nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.strictObject({ include_usage: z.boolean().nullish() }).nullish(),
  /** Text before which generation ends; OpenAI takes 4, more does no harm. */
  stop: z.union([z.string(), z.array(z.string()).max(16)]).nullish(),
  /** Tokens; absent: until the model ends or the context is full. */
  max_tokens: z.int().min(1).nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  /** 0 and -1: the whole vocabulary. */
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  /** Token ids, as strings, and what is added to their logits: -100 bans. Ids that end an answer cannot be biased. */
  logit_bias: z
    .record(z.string().regex(/^\d{1,9}$/, 'A token id: a whole number.'), z.number().min(-100).max(100))
    .nullish(),
  n: z.int().min(1).max(mostChoices).nullish(),
  /**
   * What becomes of a prompt that is longer than the context: `disabled` refuses it, `auto` takes away its oldest part,
   * and keeps the system messages of a chat. As OpenAI's responses have it.
   */
  truncation: z.enum(['auto', 'disabled']).nullish(),
};

const Sampling = z.object(samplingFields);
export type SamplingFields = z.infer<typeof Sampling>;
