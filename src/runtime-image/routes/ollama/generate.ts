import type { FastifyReply } from 'fastify';
import {
  type OllamaGenerateEnd,
  type OllamaGenerateLine,
  OllamaGenerateRequest,
} from '../../../protocols/ollama/generate.ts';
import type { App } from '../../app.ts';
import type { ChatPrompt, Engine, GenerationEnd, TextPrompt } from '../../engine.ts';
import { Refusal } from '../../../http-server/refusal.ts';
import { describeToOllama } from '../../errors.ts';
import { ndjsonHeaders, ndjsonStream } from '../../../http-server/ndjson.ts';
import { inference } from '../../../http-server/openapi/inference.ts';
import { startAnswers, unhurried } from '../answers.ts';
import type { Serving } from '../asked.ts';
import type { Said } from './answers.ts';
import { collected, endOf, headingOf, linesOf, nothing, piecesOf } from './answers.ts';
import { ensureStays, generationOf, ollamaEngineFor } from './asked.ts';

/** POST /api/generate: https://docs.ollama.com/api/generate */
export function ollamaGenerateRoutes(app: App, serving: Serving): void {
  const described = {
    schema: { body: OllamaGenerateRequest },
    config: { operation: inference['/api/generate'] },
  };
  app.post('/api/generate', described, async (request, reply) => {
    const { body } = request;
    const engine = ollamaEngineFor(serving, body.model);
    const model = body.model ?? serving.state.servedName;
    if (!body.prompt) {
      ensureStays(body);
      return { ...begun(model), done: true, done_reason: 'load' } satisfies OllamaGenerateEnd;
    }
    const asked = {
      ...generationOf(serving, engine, body, reply),
      prompt: promptOf(body, body.prompt, engine, model),
    };
    const events = await startAnswers(engine, asked, 1, serving.metrics);
    if (body.stream !== false) {
      const pieces = piecesOf(unhurried(events, reply));
      const lines = linesOf(pieces, (said, end) => lineOf(model, reply, said, end));
      return reply.headers(ndjsonHeaders).send(ndjsonStream(lines, describeToOllama));
    }
    const { said, end } = await collected(piecesOf(events));
    return lineOf(model, reply, said, end);
  });
}

/** A chat of one question, unless it is text that goes on, or a gap in one. */
function promptOf(
  { raw, suffix, system, template }: OllamaGenerateRequest,
  prompt: string,
  { abilities }: Engine,
  model: string,
): TextPrompt | ChatPrompt {
  if (suffix) {
    if (!abilities.infill) throw new Refusal(400, `"${model}" does not support insert.`);
    return { kind: 'text', text: prompt, suffix };
  }
  if (raw) return { kind: 'text', text: prompt };
  return {
    kind: 'chat',
    messages: [
      ...(system ? [{ role: 'system' as const, content: system }] : []),
      { role: 'user', content: prompt },
    ],
    ...(template && { template }),
  };
}

function lineOf(model: string, reply: FastifyReply, said: Said, end?: GenerationEnd): OllamaGenerateLine {
  const line = begun(model, said);
  return end ? { ...line, ...endOf(end, reply) } : { ...line, done: false };
}

function begun(model: string, said: Said = nothing) {
  const { text, thought } = said;
  return { ...headingOf(model, said), response: text, ...(thought !== '' && { thinking: thought }) };
}
