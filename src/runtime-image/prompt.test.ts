import type { LlamaModel, Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { infillPrompt } from './prompt.ts';
import { NotSupported } from './refusal.ts';

const bos = 1 as Token;
const infill = { prefix: 2 as Token, suffix: 3 as Token, middle: 4 as Token };

/** A token of text is a character. */
function aModel(tokens: object): Parameters<typeof infillPrompt>[0] {
  const tokenize = (text: string, special?: boolean) => {
    if (special) throw new Error('what is said has no special tokens');
    return Array.from(text, (character) => character.codePointAt(0) as Token);
  };
  const fileInfo = { metadata: { tokenizer: { ggml: { tokens: Array.from({ length: 200 }) } } } };
  const special = { bos, eos: null, shouldPrependBosToken: true, ...tokens };
  return { tokenize, fileInfo, tokens: special } as unknown as LlamaModel;
}

describe('a prompt for what is between two texts', () => {
  it('has both texts behind their tokens, and ends where the answer begins', () => {
    const { tokens } = infillPrompt(aModel({ infill }), 'ab', 'c');
    expect(tokens).toEqual([1, 2, 97, 98, 3, 99, 4]);
    expect(infillPrompt(aModel({ infill }), [97, 98], 'c').tokens).toEqual(tokens);
  });

  it.each(['prefix', 'suffix', 'middle'])('is refused without a token for the %s', (missing) => {
    const model = aModel({ infill: { ...infill, [missing]: null } });
    expect(() => infillPrompt(model, 'a', 'b')).toThrow(NotSupported);
  });
});
