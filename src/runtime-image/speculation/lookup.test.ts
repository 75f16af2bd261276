import type { Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { promptLookup } from './lookup.ts';

const tokensOf = (text: string) => Array.from(text, (character) => (character.codePointAt(0) ?? 0) as Token);
const proposed = async (text: string, most = 4) =>
  String.fromCodePoint(...(await promptLookup.propose(tokensOf(text), most)));

describe('a lookup in the prompt', () => {
  it('proposes what came after the same three tokens the last time', async () => {
    expect(await proposed('abcd1 abcd2 abc')).toBe('d2 a');
  });

  it('proposes no more than is asked for, and no more than there is', async () => {
    expect(await proposed('abcdefgh abc', 2)).toBe('de');
    expect(await proposed('abcabc')).toBe('abc');
  });

  it('proposes nothing where the end is new, or too short to tell', async () => {
    expect(await proposed('abcd xbc')).toBe('');
    expect(await proposed('ab')).toBe('');
    expect(await proposed('')).toBe('');
  });

  it('goes on with what repeats itself', async () => {
    expect(await proposed('hahahaha')).toBe('ha');
  });
});
