import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { lockstep } from './lockstep.ts';
import { sequenceOf } from './sequence.ts';

const token = (id: number) => id as Token;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The engine's sequence without a model: one token above the last, each a turn of the event loop after it was asked for. */
function engine({ broken }: { broken?: number } = {}) {
  const begun: number[] = [];
  let computed = 0;
  const sequence = {
    context: { batchSize: 512, totalSequences: 1 },
    async *evaluate([first = token(0)]: Token[]) {
      for (let next = first + 1; ; next++) {
        begun.push(next);
        await turn();
        if (next === broken) throw new Error('the model is broken');
        computed++;
        yield token(next);
      }
    },
  } as unknown as LlamaContextSequence;
  const own = sequenceOf(sequence, {
    step: lockstep(() => true)(0),
    sampled: () => undefined,
  });
  const tokens = (most: number, options: SequenceEvaluateOptions = {}) =>
    own.continue([token(0)], options, { most })[Symbol.asyncIterator]();
  return { begun, computed: () => computed, tokens };
}

describe('a sequence', () => {
  it('computes the next token while one is written out', async () => {
    const { begun, tokens } = engine();
    const answer = tokens(10);
    expect(await answer.next()).toEqual({ done: false, value: { token: 1 } });
    expect(begun).toEqual([1, 2]);
    await answer.return?.();
  });

  it('computes none that would not be taken', async () => {
    const { begun, tokens } = engine();
    const answer = tokens(2);
    await answer.next();
    await answer.next();
    await turn();
    expect(begun).toEqual([1, 2]);
    expect(await answer.next()).toMatchObject({ value: { token: 3 } });
    await answer.return?.();
  });

  it.each([
    ['a grammar', { grammarEvaluationState: () => undefined }],
    ['penalties', { repeatPenalty: { punishTokens: () => [] } }],
  ])('chooses by %s when what was before has been read', async (_, options) => {
    const { begun, tokens } = engine();
    const answer = tokens(10, options);
    await answer.next();
    await turn();
    expect(begun).toEqual([1]);
    await answer.return?.();
  });

  it('is free when what it computes is there, though nobody takes it any more', async () => {
    const { computed, tokens } = engine();
    const answer = tokens(10);
    await answer.next();
    await answer.return?.();
    expect(computed()).toBe(2);
  });

  it('tells of a failure where the token would have been, and nobody who has left', async () => {
    const told = engine({ broken: 2 }).tokens(10);
    expect(await told.next()).toMatchObject({ value: { token: 1 } });
    await turn();
    await expect(told.next()).rejects.toThrow('the model is broken');
    const left = engine({ broken: 2 }).tokens(10);
    await left.next();
    await expect(left.return?.()).resolves.toMatchObject({ done: true });
  });
});
