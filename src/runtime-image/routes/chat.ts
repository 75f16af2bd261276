import { type ChatCompletion, ChatCompletionRequest } from '../../protocols/openai/chat.ts';
import { callingOf } from '../../protocols/openai/structure.ts';
import type { App } from '../app.ts';
import type { GenerationRequest } from '../engine.ts';
import { describeError } from '../errors.ts';
import { inference } from '../../http-server/openapi/inference.ts';
import { sseHeaders, sseStream } from '../../http-server/sse.ts';
import type { Answer } from './answers.ts';
import { collectAnswers, startAnswers, unhurried, usageOf } from './answers.ts';
import type { Heading, Serving } from './asked.ts';
import { generationOf, headingOf, newId, servedFor } from './asked.ts';
import { chatChunks, chatFinish } from './chat-chunks.ts';
import { messageOf, offered, structureOf, toolOf } from './chat-messages.ts';
import { chatLogprobs } from './logprobs.ts';

type Asked = Omit<GenerationRequest, 'prompt'>;

/** POST /v1/chat/completions: https://platform.openai.com/docs/api-reference/chat */
export function chatRoutes(app: App, serving: Serving): void {
  const described = {
    schema: { body: ChatCompletionRequest },
    config: { operation: inference['/v1/chat/completions'] },
  };
  app.post('/v1/chat/completions', described, async (request, reply) => {
    const { body } = request;
    const { engine, name } = servedFor(serving, body.model);
    const asked = chatRequest(generationOf(serving, engine, body, reply), body);
    const events = await startAnswers(engine, asked, body.n ?? 1, serving.metrics);
    const heading = headingOf('chatcmpl-', name);
    if (body.stream) {
      const withUsage = body.stream_options?.include_usage === true;
      const stream = chatChunks(heading, unhurried(events, reply), withUsage);
      return reply.headers(sseHeaders).send(sseStream(stream, describeError));
    }
    return whole(heading, await collectAnswers(events), body.logprobs === true);
  });
}

function chatRequest(asked: Asked, body: ChatCompletionRequest): GenerationRequest {
  const format = body.response_format;
  const schema = format?.type === 'json_schema' ? format.json_schema : {};
  const structure = format ? structureOf({ type: format.type, ...schema }) : undefined;
  const maxTokens = body.max_completion_tokens ?? asked.maxTokens;
  return {
    ...asked,
    ...(maxTokens !== undefined && { maxTokens }),
    prompt: {
      kind: 'chat',
      messages: body.messages.map(messageOf),
      ...offered(
        (body.tools ?? []).map((tool) => toolOf(tool.function)),
        callingOf(body.tool_choice),
      ),
      parallelCalls: body.parallel_tool_calls !== false,
    },
    ...(structure && { structure }),
    ...(body.logprobs && { logprobs: body.top_logprobs ?? 0 }),
  };
}

function whole(heading: Heading, answers: readonly Answer[], withLogprobs: boolean): ChatCompletion {
  return {
    ...heading,
    object: 'chat.completion',
    choices: answers.map(({ text, thought, calls, logprobs, end }, index) => ({
      index,
      message: {
        role: 'assistant',
        content: text === '' && calls.length > 0 ? null : text,
        refusal: null,
        ...(thought !== '' && { reasoning_content: thought }),
        ...(calls.length > 0 && {
          tool_calls: calls.map((call) => ({
            id: newId('call_'),
            type: 'function' as const,
            function: call,
          })),
        }),
      },
      logprobs: withLogprobs ? chatLogprobs(logprobs) : null,
      finish_reason: chatFinish(end),
    })),
    usage: usageOf(answers.map(({ end }) => end)),
  };
}
