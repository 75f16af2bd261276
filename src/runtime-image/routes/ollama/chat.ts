import type { FastifyReply } from 'fastify';
import {
  type OllamaChatEnd,
  type OllamaChatLine,
  OllamaChatRequest,
} from '../../../protocols/ollama/chat.ts';
import type { App } from '../../app.ts';
import type { GenerationEnd } from '../../engine.ts';
import { describeToOllama } from '../../errors.ts';
import { ndjsonHeaders, ndjsonStream } from '../../../http-server/ndjson.ts';
import { inference } from '../../../http-server/openapi/inference.ts';
import { startAnswers, unhurried } from '../answers.ts';
import type { Serving } from '../asked.ts';
import { toolOf } from '../chat-messages.ts';
import type { Said } from './answers.ts';
import { collected, endOf, headingOf, linesOf, nothing, piecesOf } from './answers.ts';
import { ensureStays, generationOf, ollamaEngineFor } from './asked.ts';
import { messagesOf } from './messages.ts';

/** POST /api/chat: https://docs.ollama.com/api/chat */
export function ollamaChatRoutes(app: App, serving: Serving): void {
  const described = { schema: { body: OllamaChatRequest }, config: { operation: inference['/api/chat'] } };
  app.post('/api/chat', described, async (request, reply) => {
    const { body } = request;
    const engine = ollamaEngineFor(serving, body.model);
    const model = body.model ?? serving.state.servedName;
    const messages = messagesOf(body.messages ?? []);
    if (messages.length === 0) {
      ensureStays(body);
      return { ...begun(model), done: true, done_reason: 'load' } satisfies OllamaChatEnd;
    }
    const tools = (body.tools ?? []).map((tool) => toolOf(tool.function));
    const asked = {
      ...generationOf(serving, engine, body, reply),
      prompt: { kind: 'chat', messages, tools } as const,
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

function lineOf(model: string, reply: FastifyReply, said: Said, end?: GenerationEnd): OllamaChatLine {
  const line = begun(model, said);
  return end ? { ...line, ...endOf(end, reply) } : { ...line, done: false };
}

function begun(model: string, said: Said = nothing) {
  const { text, thought, calls } = said;
  return {
    ...headingOf(model, said),
    message: {
      role: 'assistant' as const,
      content: text,
      ...(thought !== '' && { thinking: thought }),
      ...(calls.length > 0 && { tool_calls: [...calls] }),
    },
  };
}
