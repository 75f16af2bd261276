import { z } from 'zod';
import { requestOf } from '../request.ts';
import { KeepAlive } from './generation.ts';

/** POST /api/embed: https://docs.ollama.com/api/embed; and POST /api/embeddings, which it has superseded. */

const shared = {
  /** Absent: the model that is served. */
  model: z.string().nullish(),
  keep_alive: KeepAlive.nullish(),
};

const text = z.string().min(1, 'An empty text has no embedding.');

export const ollamaEmbedFields = {
  works: {
    ...shared,
    /** One text or several; an empty one, none and absent: nothing is embedded. */
    input: z.union([z.literal(''), text, z.array(text).max(2048)]).nullish(),
    /** Whether a text that is too long loses its end; absent: true. */
    truncate: z.boolean().nullish(),
    /** How many numbers of a vector are kept; 0 and absent: all. */
    dimensions: z.int().min(0).nullish(),
  },
  ignored: ['options'],
  refused: {},
} as const;

export const OllamaEmbedRequest = requestOf(ollamaEmbedFields);

export const OllamaEmbeddings = z.object({
  model: z.string(),
  embeddings: z.array(z.array(z.number())),
  /** Nanoseconds. */
  total_duration: z.int(),
  load_duration: z.int(),
  prompt_eval_count: z.int(),
});
export type OllamaEmbeddings = z.infer<typeof OllamaEmbeddings>;

export const ollamaOldEmbedFields = {
  works: { ...shared, /** Empty and absent: nothing is embedded. */ prompt: z.string().nullish() },
  ignored: ['options'],
  refused: {},
} as const;

export const OllamaOldEmbedRequest = requestOf(ollamaOldEmbedFields);

export const OllamaOldEmbedding = z.object({ embedding: z.array(z.number()) });
export type OllamaOldEmbedding = z.infer<typeof OllamaOldEmbedding>;
