import type { ChatCompletion, ChatCompletionChunk } from '../../protocols/openai.ts';
import { ChatCompletionRequest } from '../../protocols/openai.ts';
import type { App } from '../app.ts';
import type { Generation, GenerationEnd } from '../engine.ts';
import { apiErrorOf, errorBody } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { sseHeaders, sseStream } from '../sse.ts';
import type { RuntimeState } from '../state.ts';
import type { Heading } from './generation.ts';
import { collect, headingOf, startRequested, usageOf } from './generation.ts';

/** POST /v1/chat/completions: https://platform.openai.com/docs/api-reference/chat */
export function chatRoutes(app: App, state: RuntimeState, metrics: Metrics): void {
  app.post('/v1/chat/completions', { schema: { body: ChatCompletionRequest } }, async (request, reply) => {
    const { body } = request;
    const maxTokens = body.max_completion_tokens ?? body.max_tokens;
    const generation = startRequested(state, metrics, body, reply, {
      prompt: { kind: 'chat', messages: body.messages },
      ...(typeof maxTokens === 'number' && { maxTokens }),
    });
    const heading = headingOf('chatcmpl', state);
    if (body.stream) {
      const withUsage = body.stream_options?.include_usage === true;
      const describe = (error: unknown) => errorBody(apiErrorOf(error));
      return reply.headers(sseHeaders).send(sseStream(chunks(heading, generation, withUsage), describe));
    }
    return whole(heading, await collect(generation));
  });
}

function whole(heading: Heading, { text, end }: { text: string; end: GenerationEnd }): ChatCompletion {
  return {
    ...heading,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: end.finishReason,
      },
    ],
    usage: usageOf(end),
  };
}

type Delta = ChatCompletionChunk['choices'][number]['delta'];

async function* chunks(
  heading: Heading,
  generation: Generation,
  withUsage: boolean,
): AsyncGenerator<ChatCompletionChunk> {
  const chunk = (delta: Delta, finish: GenerationEnd['finishReason'] | null = null): ChatCompletionChunk => ({
    ...heading,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(withUsage && { usage: null }),
  });
  yield chunk({ role: 'assistant', content: '' });
  for await (const event of generation.events) {
    if (event.type === 'text') {
      yield chunk({ content: event.text });
    } else {
      yield chunk({}, event.finishReason);
      if (withUsage) yield { ...chunk({}), choices: [], usage: usageOf(event) };
    }
  }
}
