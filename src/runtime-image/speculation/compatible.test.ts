import type { GgufFileInfo } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { DraftRefused, ensureSameVocabulary, ensureTakesBack } from './compatible.ts';

const vocabulary = (tokens: string[], more: object = {}) => {
  const ggml = { model: 'gpt2', tokens, bos_token_id: 0, eos_token_id: 1, ...more };
  return { metadata: { tokenizer: { ggml } } as unknown as GgufFileInfo['metadata'] };
};
const words = Array.from({ length: 300 }, (_, i) => `word ${i}`);

describe('a draft', () => {
  it('has the tokens of the model, as far as both go', () => {
    const fewer = vocabulary(words.slice(0, 200));
    expect(() => ensureSameVocabulary(vocabulary(words), vocabulary(words))).not.toThrow();
    expect(() => ensureSameVocabulary(vocabulary(words), fewer)).not.toThrow();
    expect(() => ensureSameVocabulary(fewer, vocabulary(words))).not.toThrow();
  });

  it.each([
    [
      'another kind of tokenizer',
      vocabulary(words, { model: 'llama' }),
      'a tokenizer of the kind llama, and not gpt2',
    ],
    ['far fewer tokens', vocabulary(words.slice(0, 100)), '100 tokens, and not 300'],
    ['another token somewhere', vocabulary(words.with(7, 'x')), 'token 7 is "x", and not "word 7"'],
    ['other ends of texts', vocabulary(words, { eos_token_id: 2 }), 'begins or ends texts with other tokens'],
  ])('is refused with %s', (_what, draft, why) => {
    expect(() => ensureSameVocabulary(vocabulary(words), draft)).toThrow(DraftRefused);
    expect(() => ensureSameVocabulary(vocabulary(words), draft)).toThrow(why);
  });

  it('is refused where tokens cannot be taken back', () => {
    expect(() => ensureTakesBack({ isRecurrent: false, isHybrid: false })).not.toThrow();
    expect(() => ensureTakesBack({ isRecurrent: true, isHybrid: false })).toThrow(DraftRefused);
    expect(() => ensureTakesBack({ isRecurrent: false, isHybrid: true })).toThrow('cannot take tokens back');
  });
});
