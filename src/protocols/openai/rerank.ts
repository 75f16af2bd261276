import { z } from 'zod';
import { absentOr, requestOf } from '../request.ts';
import { alwaysIgnored } from './ignored.ts';

/** POST /v1/rerank, as Jina and Cohere have it: https://api.jina.ai/redoc#tag/rerank */

export const rerankFields = {
  works: {
    /** Absent: the model that is served. */
    model: z.string().nullish(),
    query: z.string().min(1),
    documents: z
      .array(z.union([z.string(), z.strictObject({ text: z.string() })]))
      .min(1)
      .max(1000),
    /** Absent: all. */
    top_n: z.int().min(1).nullish(),
    /** Whether the texts are sent back; absent: not. */
    return_documents: z.boolean().nullish(),
  },
  ignored: alwaysIgnored,
  refused: {
    max_chunks_per_doc: { neutral: absentOr(1), message: 'Documents are ranked whole.' },
    max_tokens_per_doc: { neutral: absentOr(), message: 'Documents are ranked whole.' },
    rank_fields: { neutral: absentOr(), message: 'Documents are texts: there are no fields to choose from.' },
  },
} as const;

export const RerankRequest = requestOf(rerankFields);
export type RerankRequest = z.infer<typeof RerankRequest>;

export const Ranking = z.object({
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
});
export type Ranking = z.infer<typeof Ranking>;
