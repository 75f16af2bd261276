import { z } from 'zod';
import { absent, requestOf } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';

/** POST /v1/embeddings: https://platform.openai.com/docs/api-reference/embeddings */

const tokens = z.array(z.int().min(0)).min(1);

export const embeddingFields = {
  works: {
    /** Absent: the model that is served. */
    model: z.string().nullish(),
    /** One text or several, as text or as token ids of this model. */
    input: z.union([
      z.string().min(1, 'An empty text has no embedding.'),
      z.array(z.string().min(1, 'An empty text has no embedding.')).min(1).max(2048),
      tokens,
      z.array(tokens).min(1).max(2048),
    ]),
    /** `base64`: the numbers as 32-bit floats, little-endian; SDKs ask for it by themselves. */
    encoding_format: z.enum(['float', 'base64']).nullish(),
  },
  ignored: alwaysIgnored,
  refused: {
    dimensions: {
      neutral: absent,
      message:
        'The length of an embedding is that of the model; cut it yourself where the model allows that.',
    },
  },
} as const;

export const EmbeddingRequest = requestOf(embeddingFields);
export type EmbeddingRequest = z.infer<typeof EmbeddingRequest>;

export const EmbeddingList = z.object({
  object: z.literal('list'),
  model: z.string(),
  data: z.array(
    z.object({
      object: z.literal('embedding'),
      index: z.int(),
      embedding: z.union([z.array(z.number()), z.string()]),
    }),
  ),
  usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int() }),
});
export type EmbeddingList = z.infer<typeof EmbeddingList>;
