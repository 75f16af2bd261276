import type { ChatWrapper, Token } from 'node-llama-cpp';
import {
  GemmaChatWrapper,
  HarmonyChatWrapper,
  Llama3_1ChatWrapper,
  LlamaText,
  QwenChatWrapper,
  SpecialTokensText,
} from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { AnswerReader } from '../answer/reader.ts';
import { chatModel } from '../testing/chat-model.ts';
import type { Message } from './message.ts';
import type { Tool } from './tools.ts';
import { renderWithWrapper } from './wrapper-format.ts';
import { writtenUntilEnd } from './written.ts';

const question: Message = { role: 'user', content: 'Weather?' };
const tools: Tool[] = [{ name: 'weather', parameters: { type: 'object', properties: {} } }];
const special = ['<think>', '</think>', '<tool_call>', '</tool_call>', '<|im_end|>', '<|eom_id|>'];
const { tokenizer } = chatModel({
  special: [...special, '<|channel|>', '<|message|>', '<|end|>', '<|start|>', '<|constrain|>', '<|call|>'],
});

/** What a format makes of an answer, as kinds and texts. */
function read(wrapper: ChatWrapper, answer: string, offered: readonly Tool[] = tools) {
  const prompt = renderWithWrapper(wrapper, tokenizer, [question], offered);
  const reader = new AnswerReader(prompt.answer, []);
  return [...reader.push(answer), ...reader.rest()].map((part) => [
    part.type,
    part.type === 'call' ? part.name : part.text,
  ]);
}

const call = [
  ['call', 'weather'],
  ['arguments', '{"city": "Oslo"}'],
];

describe('the shape of answers', () => {
  it.each([
    [new QwenChatWrapper(), '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'],
    [new Llama3_1ChatWrapper(), '<function=weather>{"city": "Oslo"}</function>'],
    [new GemmaChatWrapper(), '||call: weather({"city": "Oslo"})'],
    [
      new HarmonyChatWrapper(),
      '<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Oslo"}<|call|>',
    ],
  ])('has calls as $wrapperName writes them', (wrapper, answer) => {
    expect(read(wrapper, answer)).toEqual(call);
  });

  it('has no calls where there are no tools', () => {
    expect(read(new GemmaChatWrapper(), '||call: weather({})', [])).toEqual([
      ['text', '||call: weather({})'],
    ]);
  });

  it('has thoughts as Qwen and gpt-oss write them', () => {
    const told = [
      ['thought', 'Hm.'],
      ['text', 'Rain.'],
    ];
    expect(read(new QwenChatWrapper(), '<think>\nHm.\n</think>\n\nRain.')).toEqual(told);
    expect(
      read(
        new HarmonyChatWrapper(),
        '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Rain.',
      ),
    ).toEqual(told);
  });

  it('begins with a thought where the format opens one', () => {
    const wrapper = new QwenChatWrapper({ variation: '3.5', thoughts: 'auto' });
    const { tokens, answer } = renderWithWrapper(wrapper, tokenizer, [question]);
    expect(answer.thought?.open).toBe(true);
    expect(tokenizer.detokenize(tokens as Token[], true).trimEnd()).toMatch(/<think>$/);
    expect(read(wrapper, 'Hm.\n</think>\n\nRain.')).toEqual([
      ['thought', 'Hm.'],
      ['text', 'Rain.'],
    ]);
    const begun = renderWithWrapper(wrapper, tokenizer, [question, { role: 'assistant', content: 'It' }]);
    expect(begun.answer.thought?.open).toBe(false);
  });

  it('leaves out of the end what ends the answer', () => {
    const end = LlamaText('}', new SpecialTokensText('</tool_call></s><think>'));
    expect(writtenUntilEnd(end, tokenizer)).toBe('}</tool_call>');
  });
});
