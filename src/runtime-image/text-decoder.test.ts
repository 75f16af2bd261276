import { describe, expect, it } from 'vitest';
import { textDecoder } from './text-decoder.ts';

/** A tokenizer whose tokens are single bytes. */
const detokenize = (tokens: readonly number[]) => Buffer.from(tokens).toString('utf8');

describe('textDecoder', () => {
  it('holds a character back until all its bytes are there', () => {
    const decoder = textDecoder(detokenize, []);
    const pieces = [...Buffer.from('é🦙!')].map((byte) => decoder.push(byte));
    expect(pieces).toEqual(['', 'é', '', '', '', '🦙', '!']);
    expect(decoder.rest()).toBe('');
  });

  it('hands out a character that was cut short by the end', () => {
    const decoder = textDecoder(detokenize, []);
    expect(decoder.push(0xf0)).toBe('');
    expect(decoder.rest()).toBe('\uFFFD');
  });

  it('does not wait for ever on bytes that are no text', () => {
    const decoder = textDecoder(detokenize, []);
    const pieces = Array.from({ length: 8 }, () => decoder.push(0xff));
    expect(pieces.at(-1)).toBe('\uFFFD'.repeat(8));
  });

  it('tells the tokenizer which tokens came before', () => {
    const seen: (readonly number[])[] = [];
    const decoder = textDecoder<number>(
      (tokens, before) => {
        seen.push(before);
        return detokenize(tokens);
      },
      [1, 2, 3, 4, 5],
    );
    decoder.push(0x61);
    decoder.push(0x62);
    expect(seen).toEqual([
      [2, 3, 4, 5],
      [3, 4, 5, 0x61],
    ]);
  });
});
