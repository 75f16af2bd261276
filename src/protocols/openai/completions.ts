import { z } from 'zod';
import { requestOf, unaskedOr } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';
import { samplingFields } from './sampling.ts';
import { Usage } from './usage.ts';

/** POST /v1/completions: https://platform.openai.com/docs/api-reference/completions */

export const completionFields = {
  works: {
    // A list of one text is what some clients send for a single prompt.
    prompt: z
      .union([
        z.string(),
        z.array(z.string()).length(1, 'One prompt for a request: send the others in requests of their own.'),
        z.array(z.int().min(0)).min(1, 'At least one token.'),
      ])
      .describe('One text, or the token ids of one.'),
    suffix: z
      .string()
      .nullish()
      .describe('What is between prompt and suffix is written, by models with tokens for that.'),
    ...samplingFields,
    logprobs: z
      .int()
      .min(0)
      .max(5)
      .nullish()
      .describe('How many of the likeliest tokens are told, beside the one that was taken; up to 5.'),
  },
  ignored: alwaysIgnored,
  refused: {
    best_of: { neutral: unaskedOr(1), message: 'best_of is not supported.' },
    echo: { neutral: unaskedOr(false), message: 'echo is not supported: the prompt is not repeated.' },
  },
} as const;

export const CompletionRequest = requestOf(completionFields).meta({ title: 'CompletionRequest' });
export type CompletionRequest = z.infer<typeof CompletionRequest>;

export const CompletionLogprobs = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number()),
  top_logprobs: z.array(z.record(z.string(), z.number())),
  /** Characters from the beginning of the answer. */
  text_offset: z.array(z.int()),
});
export type CompletionLogprobs = z.infer<typeof CompletionLogprobs>;

export const completionFinishReason = z.enum(['stop', 'length']);

/** An answer, and a chunk of its stream: `choices` is empty in the chunk that carries usage. */
export const Completion = z
  .object({
    id: z.string(),
    object: z.literal('text_completion'),
    /** Seconds since 1970. */
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.object({
        index: z.int(),
        text: z.string(),
        logprobs: CompletionLogprobs.nullable(),
        finish_reason: completionFinishReason.nullable(),
      }),
    ),
    usage: Usage.nullish(),
  })
  .meta({ title: 'Completion' });
export type Completion = z.infer<typeof Completion>;
