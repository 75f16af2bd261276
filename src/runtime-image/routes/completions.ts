import type { Completion } from '../../protocols/openai/completions.ts';
import { CompletionRequest } from '../../protocols/openai/completions.ts';
import type { App } from '../app.ts';
import type { GenerationEnd, GenerationRequest, TokenLogprob } from '../engine.ts';
import { describeError } from '../errors.ts';
import { sseHeaders, sseStream } from '../sse.ts';
import type { AnswerEvent } from './answers.ts';
import { collectAnswers, startAnswers, unhurried, usageOf } from './answers.ts';
import type { Heading, Serving } from './asked.ts';
import { engineFor, generationOf, headingOf } from './asked.ts';
import { completionLogprobs } from './logprobs.ts';

/** POST /v1/completions: https://platform.openai.com/docs/api-reference/completions */
export function completionRoutes(app: App, serving: Serving): void {
  app.post('/v1/completions', { schema: { body: CompletionRequest } }, async (request, reply) => {
    const { body } = request;
    const engine = engineFor(serving, body.model);
    const asked: GenerationRequest = {
      ...generationOf(serving, engine, body, reply),
      prompt: { kind: 'text', text: promptOf(body) },
      ...(typeof body.logprobs === 'number' && { logprobs: body.logprobs }),
    };
    const events = await startAnswers(engine, asked, body.n ?? 1, serving.metrics);
    const heading = headingOf('cmpl-', serving.state);
    if (body.stream) {
      const withUsage = body.stream_options?.include_usage === true;
      const stream = chunks(heading, unhurried(events, reply), withUsage);
      return reply.headers(sseHeaders).send(sseStream(stream, describeError));
    }
    const answers = await collectAnswers(events);
    return {
      ...completion(
        heading,
        answers.map(({ text, logprobs, end }, index) => choice(index, text, logprobs, 0, end)),
      ),
      usage: usageOf(answers.map(({ end }) => end)),
    };
  });
}

/** A list of numbers is token ids, a list of one text is that text. */
function promptOf({ prompt }: CompletionRequest): string | readonly number[] {
  if (typeof prompt === 'string') return prompt;
  const ids = prompt.filter((one) => typeof one === 'number');
  return ids.length > 0 ? ids : prompt.join('');
}

type Choice = Completion['choices'][number];

function completion(heading: Heading, choices: Choice[]): Completion {
  return { ...heading, object: 'text_completion', choices };
}

function choice(
  index: number,
  text: string,
  logprobs: readonly TokenLogprob[],
  offset: number,
  end?: GenerationEnd,
): Choice {
  return {
    index,
    text,
    logprobs: logprobs.length === 0 ? null : completionLogprobs(logprobs, offset),
    finish_reason: end ? (end.finishReason === 'length' ? 'length' : 'stop') : null,
  };
}

async function* chunks(
  heading: Heading,
  events: AsyncIterable<AnswerEvent>,
  withUsage: boolean,
): AsyncGenerator<Completion> {
  const noUsage = withUsage ? { usage: null } : {};
  const ends: GenerationEnd[] = [];
  let offset = 0;
  for await (const { index, event } of events) {
    if (event.type === 'text') {
      const { text, logprobs = [] } = event;
      yield { ...completion(heading, [choice(index, text, logprobs, offset)]), ...noUsage };
      offset += logprobs.reduce((sum, { token }) => sum + token.length, 0);
    } else if (event.type === 'end') {
      ends.push(event);
      offset = 0;
      yield { ...completion(heading, [choice(index, '', [], 0, event)]), ...noUsage };
    }
  }
  if (withUsage) yield { ...completion(heading, []), usage: usageOf(ends) };
}
