import type { ChatHistoryItem, ChatModelFunctionCall, ChatModelResponse } from 'node-llama-cpp';
import type { Message } from './message.ts';

/**
 * Messages as the formats of node-llama-cpp take them. There a call and its result are one thing within what the model
 * said, and what it says to the result goes on in the same place.
 */
export function historyOf(messages: readonly Message[]): ChatHistoryItem[] {
  const history: ChatHistoryItem[] = [];
  const calls = new Map<string, ChatModelFunctionCall>();
  for (const message of messages) {
    const { role, content, callId } = message;
    if (role === 'tool') {
      const call = calls.get(callId ?? '');
      if (call) call.result = valueOf(content);
      else history.push({ type: 'user', text: content });
    } else if (role === 'assistant') {
      const said = response(message, calls);
      const before = history.at(-1);
      if (before?.type === 'model' && endsWithCall(before)) before.response.push(...said);
      else history.push({ type: 'model', response: said });
    } else {
      history.push({ type: role, text: content });
    }
  }
  return history;
}

function response(
  { content, thought, calls: made = [] }: Message,
  calls: Map<string, ChatModelFunctionCall>,
): ChatModelResponse['response'] {
  const called = made.map((call, i): ChatModelFunctionCall => {
    const { name, arguments: text } = call;
    const item = { type: 'functionCall', name, params: valueOf(text), result: undefined } as const;
    const startsNewChunk = { ...item, startsNewChunk: i === 0 };
    calls.set(call.id, startsNewChunk);
    return startsNewChunk;
  });
  return [
    ...(thought ? [{ type: 'segment', segmentType: 'thought', text: thought, ended: true } as const] : []),
    ...(content === '' ? [] : [content]),
    ...called,
  ];
}

function endsWithCall({ response }: ChatModelResponse): boolean {
  const last = response.at(-1);
  return typeof last === 'object' && last.type === 'functionCall';
}

/** Arguments and results that are JSON, read, so that a format writes them as it writes JSON. */
function valueOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : text;
  } catch {
    return text;
  }
}
