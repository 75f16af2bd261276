import type { Completion } from '../../protocols/openai.ts';
import { CompletionRequest } from '../../protocols/openai.ts';
import type { App } from '../app.ts';
import type { Generation, GenerationEnd } from '../engine.ts';
import { apiErrorOf, errorBody } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import { sseHeaders, sseStream } from '../sse.ts';
import type { RuntimeState } from '../state.ts';
import type { Heading } from './generation.ts';
import { collect, headingOf, startRequested, usageOf } from './generation.ts';

/** POST /v1/completions: https://platform.openai.com/docs/api-reference/completions */
export function completionRoutes(app: App, state: RuntimeState, metrics: Metrics): void {
  app.post('/v1/completions', { schema: { body: CompletionRequest } }, async (request, reply) => {
    const { body } = request;
    const text = typeof body.prompt === 'string' ? body.prompt : body.prompt.join('');
    const generation = startRequested(state, metrics, body, reply, {
      prompt: { kind: 'text', text },
      ...(typeof body.max_tokens === 'number' && { maxTokens: body.max_tokens }),
    });
    const heading = headingOf('cmpl', state);
    if (body.stream) {
      const withUsage = body.stream_options?.include_usage === true;
      const describe = (error: unknown) => errorBody(apiErrorOf(error));
      return reply.headers(sseHeaders).send(sseStream(chunks(heading, generation, withUsage), describe));
    }
    const { text: answer, end } = await collect(generation);
    return { ...completion(heading, answer, end.finishReason), usage: usageOf(end) };
  });
}

function completion(
  heading: Heading,
  text: string,
  finish: GenerationEnd['finishReason'] | null,
): Completion {
  return {
    ...heading,
    object: 'text_completion',
    choices: [{ index: 0, text, logprobs: null, finish_reason: finish }],
  };
}

async function* chunks(
  heading: Heading,
  generation: Generation,
  withUsage: boolean,
): AsyncGenerator<Completion> {
  const noUsage = withUsage ? { usage: null } : {};
  for await (const event of generation.events) {
    if (event.type === 'text') {
      yield { ...completion(heading, event.text, null), ...noUsage };
    } else {
      yield { ...completion(heading, '', event.finishReason), ...noUsage };
      if (withUsage) yield { ...completion(heading, '', null), choices: [], usage: usageOf(event) };
    }
  }
}
