import { z } from 'zod';
import { requestOf, unasked, unaskedOr } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';
import { modelField } from './sampling.ts';

/** POST /v1/rerank, as Jina and Cohere have it: https://api.jina.ai/redoc#tag/rerank */

export const rerankFields = {
  works: {
    query: z.string().min(1, 'A query has at least one character.').describe('What is asked for.'),
    documents: z
      .array(z.union([z.string(), z.strictObject({ text: z.string() })]))
      .min(1, 'At least one document.')
      .max(1000)
      .describe('Texts, or `{"text"}`; up to 1000.'),
    model: modelField,
    top_n: z.int().min(1).nullish().describe('How many documents are named; absent: all.'),
    return_documents: z.boolean().nullish().describe('Whether the texts are sent back; absent: not.'),
  },
  ignored: alwaysIgnored,
  refused: {
    max_chunks_per_doc: { neutral: unaskedOr(1), message: 'Documents are ranked whole.' },
    max_tokens_per_doc: { neutral: unasked, message: 'Documents are ranked whole.' },
    rank_fields: { neutral: unasked, message: 'Documents are texts: there are no fields to choose from.' },
  },
} as const;

export const RerankRequest = requestOf(rerankFields).meta({ title: 'RerankRequest' });
export type RerankRequest = z.infer<typeof RerankRequest>;

export const Ranking = z
  .object({
    id: z.string(),
    model: z.string(),
    /** The most relevant first. */
    results: z.array(
      z.object({
        /** Of the document in the request. */
        index: z.int(),
        /** 0 to 1. */
        relevance_score: z.number(),
        document: z.object({ text: z.string() }).optional(),
      }),
    ),
    usage: z.object({ total_tokens: z.int() }),
  })
  .meta({ title: 'Ranking' });
export type Ranking = z.infer<typeof Ranking>;
