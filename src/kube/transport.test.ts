import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lines } from './transport.ts';

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncIterable<Uint8Array> {
  const bounds = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  for (let i = 1; i < bounds.length; i += 1) yield bytes.subarray(bounds[i - 1], bounds[i]);
}

describe('lines', () => {
  it('are the same wherever the stream is cut, in the middle of a character too', async () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .filter((text) => /^[^\n]*\S[^\n]*$/.test(text));
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat()), async (expected, cuts) => {
        const bytes = Buffer.from(expected.map((text) => `${text}\n`).join(''));
        expect(await Array.fromAsync(lines(pieces(bytes, cuts)))).toEqual(expected);
      }),
    );
  });

  it('leave out empty lines and a last one that was cut off', async () => {
    const bytes = Buffer.from('\none\n\ntwo\nthr');
    expect(await Array.fromAsync(lines(pieces(bytes, [])))).toEqual(['one', 'two']);
  });
});
