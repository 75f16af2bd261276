import { describe, expect, it } from 'vitest';
import type { OllamaMessage } from '../../../protocols/ollama/chat.ts';
import { messagesOf } from './messages.ts';

const calling = (...names: string[]): OllamaMessage => ({
  role: 'assistant',
  content: '',
  thinking: 'Hm',
  tool_calls: names.map((name) => ({ function: { name, arguments: { of: name } } })),
});

const result = (content: string, more: Partial<OllamaMessage> = {}): OllamaMessage => ({
  role: 'tool',
  content,
  ...more,
});

const answered = (messages: OllamaMessage[]) => messagesOf(messages).map(({ callId }) => callId);

describe('messages of an Ollama chat', () => {
  it('become those of the engine, calls with ids and arguments as text', () => {
    expect(messagesOf([{ role: 'user', content: 'Hi' }, calling('a')])).toEqual([
      { role: 'user', content: 'Hi' },
      {
        role: 'assistant',
        content: '',
        thought: 'Hm',
        calls: [{ id: 'call_0', name: 'a', arguments: '{"of":"a"}' }],
      },
    ]);
  });

  it('answer calls by name where they name their tool', () => {
    const results = [result('B', { tool_name: 'b' }), result('A', { tool_name: 'a' })];
    expect(answered([calling('a', 'b'), ...results])).toEqual([undefined, 'call_1', 'call_0']);
  });

  it('answer calls of one tool, and results without a name, in their order', () => {
    const twice = [result('1', { tool_name: 'a' }), result('2', { tool_name: 'a' })];
    expect(answered([calling('a', 'a'), ...twice])).toEqual([undefined, 'call_0', 'call_1']);
    expect(answered([calling('a', 'b'), result('A'), result('B')])).toEqual([undefined, 'call_0', 'call_1']);
  });

  it('answer the call whose id they give', () => {
    const [asked] = calling('a').tool_calls ?? [];
    const own: OllamaMessage = { role: 'assistant', tool_calls: [{ id: 'mine', function: asked!.function }] };
    expect(answered([own, result('A', { tool_call_id: 'mine' })])).toEqual([undefined, 'mine']);
  });

  it('may answer what nobody called', () => {
    expect(messagesOf([result('A')])).toEqual([{ role: 'tool', content: 'A' }]);
  });
});
