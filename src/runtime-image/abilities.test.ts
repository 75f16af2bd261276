import type { LlamaModel, Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { abilitiesOf } from './abilities.ts';
import type { AnswerShape } from './answer/shape.ts';
import type { ChatFormat } from './chat/format.ts';
import { ChatTemplateRefused } from './refusal.ts';

const token = 1 as Token;

function aModel(...infill: (Token | null)[]): Pick<LlamaModel, 'tokens'> {
  const [prefix, suffix, middle] = infill;
  return { tokens: { infill: { prefix, suffix, middle } } } as unknown as LlamaModel;
}

/** @param shape of answers; those to chats with tools have its calls */
function aFormat({ call, ...shape }: AnswerShape): ChatFormat {
  return {
    description: '',
    render: (_messages, tools = []) => ({
      tokens: [],
      stopTokens: new Set(),
      stopStrings: [],
      answer: { ...shape, ...(tools.length > 0 && call && { call }) },
    }),
  };
}

const call = (begin: string) => ({ begins: [begin], afterName: () => '', end: () => '' });
const nothing = { tools: false, thoughts: false, infill: false };

describe('what a model can do', () => {
  it('is told by how a chat is rendered', () => {
    const thought = { begin: '<think>', end: '</think>', open: false };
    const format = aFormat({ thought, call: call('<call>') });
    expect(abilitiesOf(aModel(null, null, null), format)).toEqual({
      tools: true,
      thoughts: true,
      infill: false,
    });
  });

  it('is no calling where nothing shows that a call begins', () => {
    expect(abilitiesOf(aModel(null, null, null), aFormat({ call: call(' \n') }))).toEqual(nothing);
  });

  it('is filling in where there are tokens for it', () => {
    expect(abilitiesOf(aModel(token, token, token), aFormat({})).infill).toBe(true);
    expect(abilitiesOf(aModel(token, token, null), aFormat({})).infill).toBe(false);
  });

  it('is not known of a template that wants another chat', () => {
    const render = () => {
      throw new ChatTemplateRefused('a system message first');
    };
    expect(abilitiesOf(aModel(null, null, null), { description: '', render })).toEqual(nothing);
  });
});
