import type { FastifyReply } from 'fastify';
import {
  type OllamaEmbeddings,
  OllamaEmbedRequest,
  type OllamaOldEmbedding,
  OllamaOldEmbedRequest,
} from '../../../protocols/ollama/embed.ts';
import type { App } from '../../app.ts';
import type { Embeddings } from '../../engine.ts';
import { inference } from '../../../http-server/openapi/inference.ts';
import type { Serving } from '../asked.ts';
import { waitingOf } from '../asked.ts';
import { nanoseconds } from './answers.ts';
import { ollamaEngineFor } from './asked.ts';

interface Asked {
  model?: string | null | undefined;
  texts: readonly string[];
  truncate: boolean;
}

/** POST /api/embed: https://docs.ollama.com/api/embed, and the older POST /api/embeddings. */
export function ollamaEmbedRoutes(app: App, serving: Serving): void {
  const described = { schema: { body: OllamaEmbedRequest }, config: { operation: inference['/api/embed'] } };
  app.post('/api/embed', described, async (request, reply) => {
    const { model, input, truncate, dimensions } = request.body;
    const texts = typeof input === 'string' ? [input] : (input ?? []);
    const asked = { model, texts: texts.filter((text) => text !== ''), truncate: truncate !== false };
    const { vectors, tokens } = await embedded(serving, asked, reply);
    return {
      model: model ?? serving.state.servedName,
      embeddings: vectors.map((vector) => shortened(vector, dimensions || vector.length)),
      total_duration: nanoseconds(reply.elapsedTime / 1000),
      load_duration: 0,
      prompt_eval_count: tokens,
    } satisfies OllamaEmbeddings;
  });

  const older = {
    schema: { body: OllamaOldEmbedRequest },
    config: { operation: inference['/api/embeddings'] },
  };
  app.post('/api/embeddings', older, async (request, reply) => {
    const { model, prompt } = request.body;
    const asked = { model, texts: prompt ? [prompt] : [], truncate: true };
    const { vectors } = await embedded(serving, asked, reply);
    return { embedding: [...(vectors[0] ?? [])] } satisfies OllamaOldEmbedding;
  });
}

async function embedded(serving: Serving, asked: Asked, reply: FastifyReply): Promise<Embeddings> {
  const engine = ollamaEngineFor(serving, asked.model);
  if (asked.texts.length === 0) return { vectors: [], tokens: 0 };
  const result = await engine.embed(asked.texts, waitingOf(serving, reply), asked.truncate);
  serving.metrics.evaluated(result.tokens);
  return result;
}

/** The first numbers of a vector, of length 1 again. */
function shortened(vector: readonly number[], dimensions: number): number[] {
  if (dimensions >= vector.length) return [...vector];
  const kept = vector.slice(0, dimensions);
  const length = Math.hypot(...kept);
  return length === 0 ? kept : kept.map((number) => number / length);
}
