import { type Ranking, RerankRequest } from '../../protocols/openai/rerank.ts';
import type { App } from '../app.ts';
import { inference } from '../../http-server/openapi/inference.ts';
import type { Serving } from './asked.ts';
import { newId, servedFor, waitingOf } from './asked.ts';

/** POST /v1/rerank, as Jina and Cohere have it: https://api.jina.ai/redoc#tag/rerank */
export function rerankRoutes(app: App, serving: Serving): void {
  const described = { schema: { body: RerankRequest }, config: { operation: inference['/v1/rerank'] } };
  app.post('/v1/rerank', described, async (request, reply) => {
    const { body } = request;
    const { engine, name } = servedFor(serving, body.model);
    const documents = body.documents.map((one) => (typeof one === 'string' ? one : one.text));
    const { scores, tokens } = await engine.rank(body.query, documents, waitingOf(serving, reply));
    serving.metrics.evaluated(tokens);
    const results = scores
      .map((relevance_score, index) => ({
        index,
        relevance_score,
        ...(body.return_documents && { document: { text: documents[index] ?? '' } }),
      }))
      .toSorted((a, b) => b.relevance_score - a.relevance_score || a.index - b.index);
    return {
      id: newId('rerank-'),
      model: name,
      results: results.slice(0, body.top_n ?? results.length),
      usage: { total_tokens: tokens },
    } satisfies Ranking;
  });
}
