import type { OutputItem, ResponseEvent, ResponseObject } from '../../protocols/openai/responses.ts';
import type { GenerationEnd, GenerationEvent } from '../engine.ts';
import type { AnswerEvent } from './answers.ts';
import { newId } from './asked.ts';
import { responseLogprobs } from './logprobs.ts';

/** https://platform.openai.com/docs/api-reference/responses-streaming */

type Fields = Record<string, unknown> & { response?: ResponseObject };
type Emit = (type: string, fields: Fields) => ResponseEvent;

/** The stream of a response: it begins, its items come one after the other, it is complete. */
export async function* responseEvents(
  begun: ResponseObject,
  events: AsyncIterable<AnswerEvent>,
): AsyncGenerator<ResponseEvent> {
  let number = 0;
  const emit: Emit = (type, fields) => ({ type: `response.${type}`, sequence_number: number++, ...fields });
  yield emit('created', { response: begun });
  yield emit('in_progress', { response: begun });
  const items: OutputItem[] = [];
  for await (const { event } of events) {
    if (event.type === 'end') {
      yield* close(items, emit, event.finishReason === 'length' ? 'incomplete' : 'completed');
      const response = complete(begun, items, event);
      yield emit(response.status, { response });
      return;
    }
    if (!goesOn(items.at(-1), event)) {
      yield* close(items, emit, 'completed');
      yield* open(items, emit, event);
    }
    yield* piece(items, emit, event);
  }
}

type Piece = Exclude<GenerationEvent, GenerationEnd>;

function goesOn(item: OutputItem | undefined, event: Piece): boolean {
  if (event.type === 'call') return false;
  const kind = { text: 'message', thought: 'reasoning', arguments: 'function_call' } as const;
  return item?.type === kind[event.type];
}

function* open(items: OutputItem[], emit: Emit, event: Piece): Generator<ResponseEvent> {
  const item = newItem(event);
  const output_index = items.length;
  yield emit('output_item.added', { output_index, item: structuredClone(item) });
  if (item.type === 'message') {
    const part = { type: 'output_text' as const, text: '', annotations: [], logprobs: [] };
    item.content.push(structuredClone(part));
    yield emit('content_part.added', { item_id: item.id, output_index, content_index: 0, part });
  }
  items.push(item);
}

function newItem(event: Piece): OutputItem {
  const status = 'in_progress';
  if (event.type === 'text') {
    return { type: 'message', id: newId('msg_'), status, role: 'assistant', content: [] };
  }
  if (event.type === 'thought') {
    const content = [{ type: 'reasoning_text' as const, text: '' }];
    return { type: 'reasoning', id: newId('rs_'), status, summary: [], content };
  }
  const name = event.type === 'call' ? event.name : '';
  return {
    type: 'function_call',
    id: newId('fc_'),
    call_id: newId('call_'),
    status,
    name,
    arguments: '',
  };
}

function* piece(items: readonly OutputItem[], emit: Emit, event: Piece): Generator<ResponseEvent> {
  const item = items.at(-1);
  if (!item || event.type === 'call') return;
  const logprobs = responseLogprobs(event.type === 'text' ? (event.logprobs ?? []) : []);
  if (event.text === '' && logprobs.length === 0) return;
  const place = { item_id: item.id, output_index: items.length - 1 };
  if (item.type === 'function_call') {
    item.arguments += event.text;
    yield emit('function_call_arguments.delta', { ...place, delta: event.text });
    return;
  }
  const at = { ...place, content_index: 0, delta: event.text };
  const [part] = item.content;
  if (part) part.text += event.text;
  if (part?.type !== 'output_text') {
    yield emit('reasoning_text.delta', at);
    return;
  }
  part.logprobs.push(...logprobs);
  yield emit('output_text.delta', { ...at, logprobs });
}

/** Ends the last item, if there is one. */
function* close(
  items: readonly OutputItem[],
  emit: Emit,
  status: 'completed' | 'incomplete',
): Generator<ResponseEvent> {
  const item = items.at(-1);
  if (!item) return;
  item.status = status;
  const place = { item_id: item.id, output_index: items.length - 1 };
  if (item.type === 'function_call') {
    const { name, arguments: text } = item;
    yield emit('function_call_arguments.done', { ...place, name, arguments: text });
  } else {
    const at = { ...place, content_index: 0 };
    const [part] = item.content;
    if (part?.type === 'output_text') {
      yield emit('output_text.done', { ...at, text: part.text, logprobs: part.logprobs });
      yield emit('content_part.done', { ...at, part: structuredClone(part) });
    } else {
      yield emit('reasoning_text.done', { ...at, text: part?.text ?? '' });
    }
  }
  yield emit('output_item.done', { output_index: items.length - 1, item: structuredClone(item) });
}

function complete(begun: ResponseObject, output: OutputItem[], end: GenerationEnd): ResponseObject {
  const { promptTokens, completionTokens, thoughtTokens, cachedTokens } = end;
  const isCut = end.finishReason === 'length';
  return {
    ...begun,
    status: isCut ? 'incomplete' : 'completed',
    completed_at: Math.floor(Date.now() / 1000),
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    output,
    usage: {
      input_tokens: promptTokens,
      input_tokens_details: { cached_tokens: cachedTokens },
      output_tokens: completionTokens,
      output_tokens_details: { reasoning_tokens: thoughtTokens },
      total_tokens: promptTokens + completionTokens,
    },
  };
}
