import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { ChatCompletionRequest, CompletionRequest, Usage } from '../../protocols/openai.ts';
import { samplingDefaults } from '../../protocols/openai.ts';
import type {
  Generation,
  GenerationDefaults,
  GenerationEnd,
  GenerationRequest,
  Sampling,
} from '../engine.ts';
import { ApiError, modelNotFound, stillLoading } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import type { RuntimeState } from '../state.ts';

type Body = CompletionRequest | ChatCompletionRequest;

/** What every answer and chunk of one request begins with. */
export interface Heading {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
}

/** @param prefix what OpenAI's ids of this kind begin with */
export function headingOf(prefix: string, state: RuntimeState): Heading {
  return {
    id: `${prefix}-${randomUUID().replaceAll('-', '')}`,
    created: Math.floor(Date.now() / 1000),
    model: state.servedName,
  };
}

/**
 * Starts what a request asks for, and counts it.
 * @throws ApiError while the model loads and for a model that is not served; what Engine.start throws
 */
export function startRequested(
  state: RuntimeState,
  metrics: Metrics,
  body: Body,
  reply: FastifyReply,
  request: Pick<GenerationRequest, 'prompt' | 'maxTokens'>,
): Generation {
  if (body.model && body.model !== state.servedName) throw modelNotFound(body.model, state.servedName);
  if (!state.engine) throw stillLoading(state.load.percent);
  const { maxTokens, ...defaults } = state.engine.defaults;
  const generation = state.engine.start({
    ...(maxTokens !== undefined && { maxTokens }),
    ...request,
    sampling: samplingOf(body, defaults),
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    signal: AbortSignal.any([clientGone(reply, metrics), state.lastCall.signal]),
  });
  return { ...generation, events: counted(generation, metrics, reply) };
}

function samplingOf(body: Body, ofModel: GenerationDefaults): Sampling {
  const defaults = { ...samplingDefaults, presencePenalty: 0, frequencyPenalty: 0, ...ofModel };
  return {
    ...defaults,
    temperature: body.temperature ?? defaults.temperature,
    topP: body.top_p ?? defaults.topP,
    topK: Math.max(0, body.top_k ?? defaults.topK),
    minP: body.min_p ?? defaults.minP,
    presencePenalty: body.presence_penalty ?? defaults.presencePenalty,
    frequencyPenalty: body.frequency_penalty ?? defaults.frequencyPenalty,
    ...(typeof body.seed === 'number' && { seed: body.seed }),
  };
}

function clientGone(reply: FastifyReply, metrics: Metrics): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) return;
    const route = reply.request.routeOptions.url ?? 'unknown';
    metrics.gaveUp(route);
    reply.log.info({ route }, 'the client went away');
    gone.abort(new ApiError(499, 'The client closed the connection.'));
  });
  return gone.signal;
}

async function* counted(generation: Generation, metrics: Metrics, reply: FastifyReply): Generation['events'] {
  let first = true;
  for await (const event of generation.events) {
    if (first && event.type === 'text') metrics.firstText(reply.elapsedTime / 1000);
    first = false;
    if (event.type === 'end') metrics.generated(event);
    yield event;
  }
}

/** The whole answer at once. */
export async function collect(generation: Generation): Promise<{ text: string; end: GenerationEnd }> {
  let text = '';
  for await (const event of generation.events) {
    if (event.type === 'end') return { text, end: event };
    text += event.text;
  }
  throw new Error('the engine ended without saying why');
}

export function usageOf(end: GenerationEnd): Usage {
  return {
    prompt_tokens: end.promptTokens,
    completion_tokens: end.completionTokens,
    total_tokens: end.promptTokens + end.completionTokens,
    prompt_tokens_details: { cached_tokens: end.cachedTokens },
  };
}
