import { z } from 'zod';
import { requestOf, unasked } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';
import { modelField } from './sampling.ts';

/** POST /v1/embeddings: https://platform.openai.com/docs/api-reference/embeddings */

const someText = z.string().min(1, 'An empty text has no embedding.');
const tokens = z.array(z.int().min(0)).min(1, 'At least one token.');

export const embeddingFields = {
  works: {
    input: z
      .union([
        someText,
        z.array(someText).min(1, 'At least one text.').max(2048),
        tokens,
        z.array(tokens).min(1).max(2048),
      ])
      .describe('One text or up to 2048, as text or as token ids of this model.'),
    model: modelField,
    encoding_format: z
      .enum(['float', 'base64'])
      .nullish()
      .describe('`base64`: the numbers as 32-bit floats, little-endian; SDKs ask for it by themselves.'),
  },
  ignored: alwaysIgnored,
  refused: {
    dimensions: {
      neutral: unasked,
      message:
        'The length of an embedding is that of the model; cut it yourself where the model allows that.',
    },
  },
} as const;

export const EmbeddingRequest = requestOf(embeddingFields).meta({ title: 'EmbeddingRequest' });
export type EmbeddingRequest = z.infer<typeof EmbeddingRequest>;

export const EmbeddingList = z
  .object({
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
  })
  .meta({ title: 'EmbeddingList' });
export type EmbeddingList = z.infer<typeof EmbeddingList>;
