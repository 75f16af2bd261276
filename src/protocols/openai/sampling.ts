import { z } from 'zod';

/** What OpenAI takes when a request says nothing. `topK` is llama.cpp's own; 0 is the whole vocabulary. */
export const samplingDefaults = { temperature: 1, topP: 1, topK: 40, minP: 0 } as const;

/** The most alternatives of a token whose probabilities are told, as in OpenAI's chats. */
export const mostLogprobs = 20;

/** The most answers to one request. */
export const mostChoices = 16;

/** What every request may name. */
export const modelField = z
  .string()
  .nullish()
  .describe('A name of the model that is served; absent: that one.');

/** Fields that say how tokens are chosen and where an answer ends. `top_k` and `min_p` are as other open servers have them. */
export const samplingFields = {
  model: modelField,
  stream: z.boolean().nullish().describe('Whether the answer comes in pieces, as they are made.'),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().nullish(),
      // What OpenAI pads its streams with, so that their sizes tell nothing; SDKs of others switch it off.
      include_obfuscation: z.literal(false, 'Only false: streams are not padded.').nullish(),
    })
    .nullish()
    .describe('`include_usage`; `include_obfuscation` may be `false`.'),
  stop: z
    .union([z.string(), z.array(z.string()).max(16)])
    .nullish()
    .describe('Texts before which the answer ends, up to 16; not looked for in thoughts and calls.'),
  max_tokens: z
    .int()
    .min(1)
    .nullish()
    .describe('Tokens; absent: until the model ends or the context is full.'),
  temperature: z.number().min(0).max(2).nullish().describe('Absent: that of the model, else 1.'),
  top_p: z.number().min(0).max(1).nullish().describe('Absent: that of the model, else 1.'),
  top_k: z
    .int()
    .min(-1)
    .nullish()
    .describe("Not OpenAI's. Absent: that of the model, else 40; 0 and -1 are all."),
  min_p: z.number().min(0).max(1).nullish().describe("Not OpenAI's. Absent: that of the model, else 0."),
  seed: z
    .int()
    .nullish()
    .describe('The same text on the same machine, alone; computing beside others may round otherwise.'),
  presence_penalty: z.number().min(-2).max(2).nullish().describe('For what was generated.'),
  frequency_penalty: z.number().min(-2).max(2).nullish().describe('For what was generated.'),
  logit_bias: z
    .record(z.string().regex(/^[0-9]{1,9}$/, 'A token id: a whole number.'), z.number().min(-100).max(100))
    .nullish()
    .describe('Token ids, and what is added to their logits: -100 bans. Not for tokens that end an answer.'),
  n: z
    .int()
    .min(1)
    .max(mostChoices)
    .nullish()
    .describe(`How many answers, up to ${mostChoices}; made one after the other.`),
  truncation: z
    .enum(['auto', 'disabled'])
    .nullish()
    .describe(
      "Of OpenAI's responses. What becomes of a prompt that is longer than the context: `disabled` refuses it, `auto` takes away its oldest part, but no system messages of a chat.",
    ),
};

const Sampling = z.object(samplingFields);
export type SamplingFields = z.infer<typeof Sampling>;
