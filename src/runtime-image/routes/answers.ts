import type { FastifyReply } from 'fastify';
import type { Usage } from '../../protocols/openai/usage.ts';
import { buffered } from '../buffered.ts';
import type { Engine, GenerationEnd, GenerationEvent, GenerationRequest, TokenLogprob } from '../engine.ts';
import { Refusal } from '../../http-server/refusal.ts';
import type { Metrics } from '../metrics.ts';

/** What came of one of the answers to a request. */
export interface AnswerEvent {
  /** Which answer. */
  index: number;
  event: GenerationEvent;
}

/** Events that may wait for a client to read them: more than a context of usual size has tokens. */
const mostHeld = 16384;

/**
 * Starts the answers to a request: several are made one after the other, so that those behind the first find the
 * prompt computed and the request never has more than one sequence.
 * @throws what Engine.start throws, before there is any event
 */
export async function startAnswers(
  engine: Engine,
  request: GenerationRequest,
  count: number,
  metrics: Metrics,
): Promise<AsyncIterable<AnswerEvent>> {
  const first = await engine.start(request);
  return (async function* () {
    for (let index = 0; index < count; index++) {
      const { events } = index === 0 ? first : await engine.start(another(request, index));
      for await (const event of events) {
        if (event.type === 'end') metrics.generated(event);
        yield { index, event };
      }
    }
  })();
}

/** A seed gives every answer its own text. */
function another(request: GenerationRequest, index: number): GenerationRequest {
  const { seed } = request.sampling;
  return seed === undefined ? request : { ...request, sampling: { ...request.sampling, seed: seed + index } };
}

/** For streams: generation never waits for the client, and ends when that is too far behind. */
export function unhurried<Item>(events: AsyncIterable<Item>, reply: FastifyReply): AsyncIterable<Item> {
  return buffered(events, mostHeld, () => {
    reply.log.info('the client reads too slowly');
    reply.raw.destroy();
    return new Refusal(499, 'The client read too slowly.');
  });
}

/** One answer as a whole. */
export interface Answer {
  text: string;
  thought: string;
  calls: { name: string; arguments: string }[];
  logprobs: TokenLogprob[];
  end: GenerationEnd;
}

/** Every answer as a whole, in order. */
export async function collectAnswers(events: AsyncIterable<AnswerEvent>): Promise<Answer[]> {
  const answers: Answer[] = [];
  let answer: Omit<Answer, 'end'> = nothing();
  for await (const { event } of events) {
    if (event.type === 'end') {
      answers.push({ ...answer, end: event });
      answer = nothing();
      continue;
    }
    answer.logprobs.push(...(event.logprobs ?? []));
    if (event.type === 'text') answer.text += event.text;
    else if (event.type === 'thought') answer.thought += event.text;
    else if (event.type === 'call') answer.calls.push({ name: event.name, arguments: '' });
    else {
      const call = answer.calls.at(-1);
      if (call) call.arguments += event.text;
    }
  }
  return answers;
}

const nothing = (): Omit<Answer, 'end'> => ({ text: '', thought: '', calls: [], logprobs: [] });

/** The prompt counts once. */
export function usageOf(ends: readonly GenerationEnd[]): Usage {
  const [first] = ends;
  const prompt = first?.promptTokens ?? 0;
  const completion = ends.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
  const thought = ends.reduce((sum, { thoughtTokens }) => sum + thoughtTokens, 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: first?.cachedTokens ?? 0 },
    completion_tokens_details: { reasoning_tokens: thought },
  };
}
