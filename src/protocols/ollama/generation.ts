import { z } from 'zod';
import { JsonSchema } from '../openai/structure.ts';
import { modelField } from '../openai/sampling.ts';
import { unaskedOr } from '../request.ts';
import { Options } from './options.ts';

/** What requests for text and chats have in common, and their answers: https://docs.ollama.com/api */

/**
 * Seconds, or a duration as Go writes it: `5m`, `1h30m`, `-1s`.
 * https://pkg.go.dev/time#ParseDuration
 */
export const KeepAlive = z.union([
  z.number(),
  z
    .string()
    .regex(
      /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/,
      'A number of seconds, or a duration such as 5m.',
    ),
]);

export const keepAliveField = KeepAlive.nullish().describe(
  'Checked, and changes nothing: the model stays as long as the server runs.',
);

export const generationFields = {
  works: {
    model: modelField,
    stream: z.boolean().nullish().describe('Absent: true.'),
    format: z
      .union([z.enum(['', 'json'], { error: 'json, or a JSON schema as an object.' }), JsonSchema])
      .nullish()
      .describe('`json`, or a JSON schema; the guide says which schemas. An empty text is nothing.'),
    options: Options.nullish().describe('See options.'),
    think: z
      .boolean({ error: 'true or false: how long a model thinks cannot be chosen.' })
      .nullish()
      .describe('`true` and `false`, where the model does so anyway.'),
    truncate: z
      .boolean()
      .nullish()
      .describe('Whether what is oldest gives way where the prompt is too long; absent: true.'),
    logprobs: z.boolean().nullish().describe('Slow with large vocabularies.'),
    top_logprobs: z.int().min(0).max(20).nullish().describe('Up to 20.'),
    keep_alive: keepAliveField,
  },
  ignored: {},
  refused: {
    shift: {
      neutral: unaskedOr(false),
      message: 'An answer ends where the context is full: no old text gives way to it.',
    },
    _debug_render_only: { neutral: unaskedOr(false), message: 'Prompts are not shown.' },
  },
} as const;

const token = { token: z.string(), logprob: z.number(), bytes: z.array(z.int()).optional() };

/** What every piece of an answer says. */
export const answerFields = {
  model: z.string(),
  created_at: z.iso.datetime(),
  logprobs: z.array(z.object({ ...token, top_logprobs: z.array(z.object(token)).optional() })).optional(),
};

const nanoseconds = z.int().min(0);

/** What the last piece says, or an answer as a whole. */
export const endFields = {
  done: z.literal(true),
  /** `load`: nothing was asked for but that the model is there. */
  done_reason: z.enum(['stop', 'length', 'load']),
  total_duration: nanoseconds.optional(),
  /** For a sequence to be free: the model is loaded already. */
  load_duration: nanoseconds.optional(),
  /** Tokens of the prompt, those too that were known from an earlier request. */
  prompt_eval_count: z.int().optional(),
  prompt_eval_duration: nanoseconds.optional(),
  eval_count: z.int().optional(),
  eval_duration: nanoseconds.optional(),
};
export type EndFields = z.infer<z.ZodObject<typeof endFields>>;
