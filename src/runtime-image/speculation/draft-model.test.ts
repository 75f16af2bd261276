import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { draftModel } from './draft-model.ts';

/** A sequence that counts, and is sure of it below `unsure`. */
function counting(contextSize: number, unsure = Infinity) {
  const tokens: Token[] = [];
  const read: number[] = [];
  const add = (more: readonly Token[]) => {
    read.push(more.length);
    tokens.push(...more);
  };
  const sequence = {
    contextSize,
    get nextTokenIndex() {
      return tokens.length;
    },
    async adaptStateToTokens(text: Token[]) {
      const different = tokens.findIndex((token, i) => token !== text[i]);
      if (different >= 0) tokens.length = different;
    },
    async evaluateWithoutGeneratingNewTokens(text: Token[]) {
      add(text);
    },
    async *evaluateWithMetadata(text: Token[]) {
      for (let next = text; ;) {
        add(next);
        const token = ((tokens.at(-1) ?? 0) + 1) as Token;
        yield { token, confidence: token < unsure ? 0.9 : 0.5 };
        next = [token];
      }
    },
  };
  let samplers = 0;
  const draft = draftModel(sequence as unknown as LlamaContextSequence, () => samplers++);
  return { draft, read, samplers: () => samplers };
}

const text = (...tokens: number[]) => tokens as Token[];

describe('a draft model', () => {
  it('writes on, as far as it is asked to', async () => {
    expect(await counting(64).draft.propose(text(1, 2, 3), 4)).toEqual([4, 5, 6, 7]);
  });

  it('ends where it is not sure', async () => {
    expect(await counting(64, 6).draft.propose(text(1, 2, 3), 4)).toEqual([4, 5]);
    expect(await counting(64, 1).draft.propose(text(1, 2, 3), 4)).toEqual([]);
  });

  it('reads only what is new to it', async () => {
    const { draft, read, samplers } = counting(64);
    await draft.follow(text(1, 2, 3));
    expect(samplers()).toBe(0);
    await draft.propose(text(1, 2, 3, 8), 2);
    expect(samplers()).toBe(1);
    expect(read).toEqual([3, 1, 1]);
    // One of its own was right, and then another came.
    read.length = 0;
    await draft.propose(text(1, 2, 3, 8, 9, 20), 1);
    expect(read).toEqual([1]);
  });

  it('proposes nothing for a text that is longer than it can read', async () => {
    const { draft, read } = counting(8);
    await draft.follow(text(1, 2, 3, 4, 5, 6, 7, 8));
    expect(await draft.propose(text(1, 2, 3, 4), 4)).toEqual([]);
    expect(read).toEqual([]);
  });
});
