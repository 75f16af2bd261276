import { z } from 'zod';
import { JsonSchema } from '../openai/structure.ts';
import { absentOr } from '../request.ts';
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

export const generationFields = {
  works: {
    /** Absent: the model that is served. */
    model: z.string().nullish(),
    /** Absent: true. */
    stream: z.boolean().nullish(),
    /** `json`, or a JSON schema; an empty text is nothing. */
    format: z
      .union([z.enum(['', 'json'], { error: 'json, or a JSON schema as an object.' }), JsonSchema])
      .nullish(),
    options: Options.nullish(),
    think: z.boolean({ error: 'true or false: how long a model thinks cannot be chosen.' }).nullish(),
    /** Whether what is oldest gives way where the prompt is too long; absent: true. */
    truncate: z.boolean().nullish(),
    logprobs: z.boolean().nullish(),
    top_logprobs: z.int().min(0).max(20).nullish(),
    /** The model stays as long as the server runs. */
    keep_alive: KeepAlive.nullish(),
  },
  refused: {
    shift: {
      neutral: absentOr(false),
      message: 'An answer ends where the context is full: no old text gives way to it.',
    },
    _debug_render_only: { neutral: absentOr(false), message: 'Prompts are not shown.' },
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
