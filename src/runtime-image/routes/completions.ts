import { type Completion, CompletionRequest } from '../../protocols/openai/completions.ts';
import type { App } from '../app.ts';
import type { Engine, GenerationEnd, GenerationRequest, TextPrompt, TokenLogprob } from '../engine.ts';
import { Refusal } from '../../http-server/refusal.ts';
import { describeError } from '../errors.ts';
import { inference } from '../../http-server/openapi/inference.ts';
import { sseHeaders, sseStream } from '../../http-server/sse.ts';
import type { AnswerEvent } from './answers.ts';
import { collectAnswers, startAnswers, unhurried, usageOf } from './answers.ts';
import type { Heading, Serving } from './asked.ts';
import { generationOf, headingOf, servedFor } from './asked.ts';
import { completionLogprobs } from './logprobs.ts';

/** POST /v1/completions: https://platform.openai.com/docs/api-reference/completions */
export function completionRoutes(app: App, serving: Serving): void {
  const described = {
    schema: { body: CompletionRequest },
    config: { operation: inference['/v1/completions'] },
  };
  app.post('/v1/completions', described, async (request, reply) => {
    const { body } = request;
    const { engine, name } = servedFor(serving, body.model);
    const asked: GenerationRequest = {
      ...generationOf(serving, engine, body, reply),
      prompt: promptOf(body, engine, serving.state.servedName),
      ...(typeof body.logprobs === 'number' && { logprobs: body.logprobs }),
    };
    const events = await startAnswers(engine, asked, body.n ?? 1, serving.metrics);
    const heading = headingOf('cmpl-', name);
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

function promptOf(
  { prompt, suffix }: CompletionRequest,
  { abilities }: Engine,
  servedName: string,
): TextPrompt {
  const text = textOf(prompt);
  if (!suffix) return { kind: 'text', text };
  if (!abilities.infill) {
    throw new Refusal(
      400,
      `suffix: '${servedName}' has no tokens for text between two others. Leave suffix out, or serve a model that has.`,
      { param: 'suffix', code: 'unsupported' },
    );
  }
  return { kind: 'text', text, suffix };
}

/** A list of numbers is token ids, a list of one text is that text. */
function textOf(prompt: CompletionRequest['prompt']): TextPrompt['text'] {
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
