import { textOf } from '../../protocols/openai/chat-message.ts';
import type { InputItem } from '../../protocols/openai/responses.ts';
import { type ResponseObject, ResponseRequest, textLogprobs } from '../../protocols/openai/responses.ts';
import { callingOf } from '../../protocols/openai/structure.ts';
import type { App } from '../app.ts';
import type { Message } from '../chat/message.ts';
import type { GenerationRequest, Sampling } from '../engine.ts';
import { errorEvent } from '../errors.ts';
import { inference } from '../../http-server/openapi/inference.ts';
import { namedSseStream, sseHeaders } from '../../http-server/sse.ts';
import { startAnswers, unhurried } from './answers.ts';
import type { Serving } from './asked.ts';
import { generationOf, headingOf, servedFor } from './asked.ts';
import { offered, structureOf, toolOf } from './chat-messages.ts';
import { responseEvents } from './response-events.ts';

/** POST /v1/responses: https://platform.openai.com/docs/api-reference/responses */
export function responseRoutes(app: App, serving: Serving): void {
  const described = { schema: { body: ResponseRequest }, config: { operation: inference['/v1/responses'] } };
  app.post('/v1/responses', described, async (request, reply) => {
    const { body } = request;
    const { engine, name } = servedFor(serving, body.model);
    const asked = responseRequest(generationOf(serving, engine, body, reply), body);
    const events = await startAnswers(engine, asked, 1, serving.metrics);
    const begun = begunResponse(name, body, asked.sampling);
    if (body.stream) {
      const stream = responseEvents(begun, unhurried(events, reply));
      return reply.headers(sseHeaders).send(namedSseStream(stream, errorEvent));
    }
    let response = begun;
    for await (const event of responseEvents(begun, events)) response = event.response ?? response;
    return response;
  });
}

function responseRequest(asked: Omit<GenerationRequest, 'prompt'>, body: ResponseRequest): GenerationRequest {
  const { input, instructions, include } = body;
  const said = typeof input === 'string' ? [{ role: 'user', content: input } as const] : messagesOf(input);
  const format = body.text?.format;
  const structure = format ? structureOf(format) : undefined;
  return {
    ...asked,
    ...(typeof body.max_output_tokens === 'number' && { maxTokens: body.max_output_tokens }),
    prompt: {
      kind: 'chat',
      messages: instructions ? [{ role: 'system', content: instructions }, ...said] : said,
      ...offered((body.tools ?? []).map(toolOf), callingOf(body.tool_choice)),
      parallelCalls: body.parallel_tool_calls !== false,
    },
    ...(structure && { structure }),
    ...(include?.includes(textLogprobs) && { logprobs: body.top_logprobs ?? 0 }),
  };
}

/** Thoughts and calls are items of their own here; in a chat they are a part of what the assistant said. */
function messagesOf(items: readonly InputItem[]): Message[] {
  const messages: Message[] = [];
  let thought: string | undefined;
  for (const item of items) {
    if (item.type === 'reasoning') {
      thought = (item.content ?? []).map(({ text }) => text).join('');
    } else if (item.type === 'function_call_output') {
      messages.push({ role: 'tool', content: textOf(item.output), callId: item.call_id });
    } else if (item.type === 'function_call') {
      const call = { id: item.call_id, name: item.name, arguments: item.arguments };
      const last = messages.at(-1);
      const before = last?.role === 'assistant' ? messages.pop() : undefined;
      const assistant: Message = before ?? { role: 'assistant', content: '', ...(thought && { thought }) };
      messages.push({ ...assistant, calls: [...(assistant.calls ?? []), call] });
      thought = undefined;
    } else {
      const role = item.role === 'developer' ? 'system' : item.role;
      const kept = role === 'assistant' && thought ? { thought } : {};
      messages.push({ role, content: textOf(item.content), ...kept });
      thought = undefined;
    }
  }
  return messages;
}

/** It repeats what was asked for, as OpenAI's does. */
function begunResponse(name: string, body: ResponseRequest, sampling: Sampling): ResponseObject {
  const { id, created, model } = headingOf('resp_', name);
  return {
    id,
    object: 'response',
    created_at: created,
    completed_at: null,
    model,
    status: 'in_progress',
    incomplete_details: null,
    error: null,
    output: [],
    usage: null,
    background: false,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: null,
    metadata: {},
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: false,
    temperature: sampling.temperature,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_logprobs: body.top_logprobs ?? 0,
    top_p: sampling.topP,
    truncation: body.truncation ?? 'disabled',
  };
}
