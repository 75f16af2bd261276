import type { ChatCompletionChunk } from '../../protocols/openai/chat.ts';
import type { GenerationEnd, TokenLogprob } from '../engine.ts';
import type { AnswerEvent } from './answers.ts';
import { usageOf } from './answers.ts';
import type { Heading } from './asked.ts';
import { newId } from './asked.ts';
import { chatLogprobs } from './logprobs.ts';

type Choice = ChatCompletionChunk['choices'][number];
type Part = Exclude<AnswerEvent['event'], GenerationEnd>;

/** The stream of a chat: of each answer the role, then what comes, then why it ended. */
export async function* chatChunks(
  heading: Heading,
  events: AsyncIterable<AnswerEvent>,
  withUsage: boolean,
): AsyncGenerator<ChatCompletionChunk> {
  const chunk = (choices: Choice[]): ChatCompletionChunk => ({
    ...heading,
    object: 'chat.completion.chunk',
    choices,
    ...(withUsage && { usage: null }),
  });
  const ends: GenerationEnd[] = [];
  let begun = 0;
  yield chunk([choice(0, { role: 'assistant', content: '' })]);
  for await (const { index, event } of events) {
    if (index > begun) yield chunk([choice(index, { role: 'assistant', content: '' })]);
    begun = index;
    if (event.type === 'end') {
      ends.push(event);
      yield chunk([choice(index, {}, [], chatFinish(event))]);
    } else {
      yield chunk([choice(index, deltaOf(event), event.logprobs)]);
    }
  }
  if (withUsage) yield { ...chunk([]), usage: usageOf(ends) };
}

export function chatFinish({ finishReason }: GenerationEnd): 'stop' | 'length' | 'tool_calls' {
  return finishReason === 'calls' ? 'tool_calls' : finishReason;
}

function choice(
  index: number,
  delta: Choice['delta'],
  logprobs: readonly TokenLogprob[] = [],
  finish: Choice['finish_reason'] = null,
): Choice {
  return {
    index,
    delta,
    logprobs: logprobs.length === 0 ? null : chatLogprobs(logprobs),
    finish_reason: finish,
  };
}

function deltaOf(event: Part): Choice['delta'] {
  if (event.type === 'text') return { content: event.text };
  if (event.type === 'thought') return { reasoning_content: event.text };
  const { index } = event;
  if (event.type === 'arguments') return { tool_calls: [{ index, function: { arguments: event.text } }] };
  const called = { name: event.name, arguments: '' };
  return { tool_calls: [{ index, id: newId('call_'), type: 'function', function: called }] };
}
