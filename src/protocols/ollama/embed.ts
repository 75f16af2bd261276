import { z } from 'zod';
import { modelField } from '../openai/sampling.ts';
import { requestOf } from '../request.ts';
import { keepAliveField } from './generation.ts';

/** POST /api/embed: https://docs.ollama.com/api/embed; and POST /api/embeddings, which it has superseded. */

const ignored = { options: 'None of them changes an embedding.' } as const;

const text = z.string().min(1, 'An empty text has no embedding.');

export const ollamaEmbedFields = {
  works: {
    model: modelField,
    input: z
      .union([z.literal(''), text, z.array(text).max(2048)])
      .nullish()
      .describe('A text, or up to 2048; an empty one, none and absent: nothing is embedded.'),
    truncate: z.boolean().nullish().describe('Whether a text that is too long loses its end; absent: true.'),
    dimensions: z
      .int()
      .min(0)
      .nullish()
      .describe('How many numbers of a vector are kept, made of length 1 again; 0 and absent: all.'),
    keep_alive: keepAliveField,
  },
  ignored,
  refused: {},
} as const;

export const OllamaEmbedRequest = requestOf(ollamaEmbedFields).meta({ title: 'OllamaEmbedRequest' });

export const OllamaEmbeddings = z
  .object({
    model: z.string(),
    embeddings: z.array(z.array(z.number())),
    /** Nanoseconds. */
    total_duration: z.int(),
    load_duration: z.int(),
    prompt_eval_count: z.int(),
  })
  .meta({ title: 'OllamaEmbeddings' });
export type OllamaEmbeddings = z.infer<typeof OllamaEmbeddings>;

export const ollamaOldEmbedFields = {
  works: {
    model: modelField,
    prompt: z
      .string()
      .nullish()
      .describe('A text, which loses its end where it is too long; empty and absent: nothing is embedded.'),
    keep_alive: keepAliveField,
  },
  ignored,
  refused: {},
} as const;

export const OllamaOldEmbedRequest = requestOf(ollamaOldEmbedFields).meta({
  title: 'OllamaOldEmbedRequest',
});

export const OllamaOldEmbedding = z
  .object({ embedding: z.array(z.number()) })
  .meta({ title: 'OllamaOldEmbedding' });
export type OllamaOldEmbedding = z.infer<typeof OllamaOldEmbedding>;
