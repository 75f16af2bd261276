import type { FastifyReply } from 'fastify';
import type { OllamaToolCall } from '../../../protocols/ollama/chat.ts';
import type { EndFields } from '../../../protocols/ollama/generation.ts';
import type { GenerationEnd, Likely, TokenLogprob } from '../../engine.ts';
import type { AnswerEvent } from '../answers.ts';
import { newId } from '../asked.ts';

/** A piece of an answer, or all of it. */
export interface Said {
  text: string;
  thought: string;
  calls: readonly OllamaToolCall[];
  logprobs: readonly TokenLogprob[];
}

export const nothing: Said = { text: '', thought: '', calls: [], logprobs: [] };

interface BegunCall {
  index: number;
  name: string;
  arguments: string;
}

/** An answer in pieces, as Ollama has them: a call comes whole. */
export async function* piecesOf(events: AsyncIterable<AnswerEvent>): AsyncGenerator<Said | GenerationEnd> {
  let call: BegunCall | undefined;
  for await (const { event } of events) {
    if (event.type === 'arguments') {
      if (call) call.arguments += event.text;
      continue;
    }
    if (call) yield { ...nothing, ...called(call) };
    call = undefined;
    const logprobs = 'logprobs' in event ? (event.logprobs ?? []) : [];
    if (event.type === 'text') yield { ...nothing, text: event.text, logprobs };
    else if (event.type === 'thought') yield { ...nothing, thought: event.text, logprobs };
    else if (event.type === 'call') call = { index: event.index, name: event.name, arguments: '' };
    else yield event;
  }
}

/** A call whose arguments are no JSON object, because they were broken off or are wrong, is told as text. */
function called({ index, name, arguments: text }: BegunCall): Partial<Said> {
  const given = objectOf(text === '' ? '{}' : text);
  // It may have an end or none: the text that there is stands last.
  if (!given) return { text: `{"name": ${JSON.stringify(name)}, "arguments": ${text}` };
  return { calls: [{ id: newId('call_'), function: { index, name, arguments: given } }] };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** The whole answer. */
export async function collected(
  pieces: AsyncIterable<Said | GenerationEnd>,
): Promise<{ said: Said; end: GenerationEnd }> {
  let said = nothing;
  for await (const piece of pieces) {
    if ('type' in piece) return { said, end: piece };
    said = {
      text: said.text + piece.text,
      thought: said.thought + piece.thought,
      calls: [...said.calls, ...piece.calls],
      logprobs: [...said.logprobs, ...piece.logprobs],
    };
  }
  throw new Error('an answer without an end');
}

/** The lines of a stream. */
export async function* linesOf<Line>(
  pieces: AsyncIterable<Said | GenerationEnd>,
  write: (said: Said, end?: GenerationEnd) => Line,
): AsyncGenerator<Line> {
  for await (const piece of pieces) {
    yield 'type' in piece ? write(nothing, piece) : write(piece);
  }
}

/** What every line begins with. */
export function headingOf(model: string, { logprobs }: Pick<Said, 'logprobs'>) {
  return {
    model,
    created_at: new Date().toISOString(),
    ...(logprobs.length > 0 && {
      logprobs: logprobs.map((one) => ({ ...likely(one), top_logprobs: one.top.map(likely) })),
    }),
  };
}

const likely = ({ token, logprob }: Likely) => ({
  token,
  logprob,
  // A token that is a part of a character has no text of its own.
  ...(!token.includes('\uFFFD') && { bytes: [...Buffer.from(token)] }),
});

/** How the answer ended, and what it took. */
export function endOf({ finishReason, timings, ...end }: GenerationEnd, reply: FastifyReply): EndFields {
  return {
    done: true,
    done_reason: finishReason === 'length' ? 'length' : 'stop',
    total_duration: nanoseconds(reply.elapsedTime / 1000),
    load_duration: nanoseconds(timings.waiting),
    prompt_eval_count: end.promptTokens,
    prompt_eval_duration: nanoseconds(timings.prompt),
    eval_count: end.completionTokens,
    eval_duration: nanoseconds(timings.generation),
  };
}

export const nanoseconds = (seconds: number) => Math.round(seconds * 1e9);
