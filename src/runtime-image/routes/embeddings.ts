import { type EmbeddingList, EmbeddingRequest } from '../../protocols/openai/embeddings.ts';
import type { App } from '../app.ts';
import type { EmbeddingInput } from '../engine.ts';
import { inference } from '../../http-server/openapi/inference.ts';
import type { Serving } from './asked.ts';
import { servedFor, waitingOf } from './asked.ts';

/** POST /v1/embeddings: https://platform.openai.com/docs/api-reference/embeddings */
export function embeddingRoutes(app: App, serving: Serving): void {
  const described = {
    schema: { body: EmbeddingRequest },
    config: { operation: inference['/v1/embeddings'] },
  };
  app.post('/v1/embeddings', described, async (request, reply) => {
    const { body } = request;
    const { engine, name } = servedFor(serving, body.model);
    const { vectors, tokens } = await engine.embed(inputsOf(body.input), waitingOf(serving, reply));
    serving.metrics.evaluated(tokens);
    const write = body.encoding_format === 'base64' ? base64 : (vector: readonly number[]) => [...vector];
    return {
      object: 'list',
      model: name,
      data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: write(vector) })),
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    } satisfies EmbeddingList;
  });
}

/** A list of numbers is one text, as token ids. */
function inputsOf(input: EmbeddingRequest['input']): EmbeddingInput[] {
  if (typeof input === 'string') return [input];
  const ids = input.filter((one) => typeof one === 'number');
  return ids.length > 0 ? [ids] : input.filter((one) => typeof one !== 'number');
}

/** 32-bit floats, little-endian. */
function base64(vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * 4);
  vector.forEach((number, i) => bytes.writeFloatLE(number, i * 4));
  return bytes.toString('base64');
}
