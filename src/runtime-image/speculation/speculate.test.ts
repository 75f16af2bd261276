import { array, asyncProperty, assert, constantFrom, integer } from 'fast-check';
import type { ControlledEvaluateInputItem, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import type { Chosen } from '../chosen.ts';
import type { Lockstep } from '../lockstep.ts';
import { lockstep } from '../lockstep.ts';
import type { Drafted, Drafter } from './drafter.ts';
import type { Speculating } from './speculate.ts';
import { canSpeculate, speculated } from './speculate.ts';

const endOfText = 0 as Token;

/** A model that counts up to 9 and begins anew, or ends with `last`: a token follows from the one before. */
function counting(contextSize: number, last?: number) {
  const tokens: Token[] = [];
  const asked: { place: number; options: object; told?: unknown }[] = [];
  let computed = 0;
  const next = (token: Token) => (token === last ? endOfText : (((token % 9) + 1) as Token));
  const sequence: Speculating = {
    contextSize,
    get contextTokens() {
      return [...tokens];
    },
    get nextTokenIndex() {
      return tokens.length;
    },
    async controlledEvaluate(input: ControlledEvaluateInputItem[]) {
      if (tokens.length + input.length > contextSize - 1) throw new Error('the context is full');
      computed++;
      return input.map((item) => {
        const [token, options] = Array.isArray(item) ? item : [item, undefined];
        tokens.push(token);
        if (!options?.generateNext) return undefined;
        const { options: how = {}, logits: told } = options.generateNext;
        asked.push({ place: tokens.length, options: how, told });
        const logits = new Map([
          [next(token), 7],
          [next(next(token)), 6],
        ]);
        return { next: { token: next(token), ...(told && { logits, totalLogitWeight: 1.5 }) } };
      });
    },
    async eraseContextTokenRanges([range]) {
      if (range) tokens.splice(range.start, range.end - range.start);
    },
    model: { isEogToken: (token) => token === endOfText },
  };
  return { sequence, tokens, asked, computed: () => computed };
}

/** Proposes these lists, one after the other, and then nothing. */
function drafting(...lists: number[][]): {
  step: Lockstep;
  sampled: () => void;
  drafter: Drafter;
  drafted: Drafted;
} {
  return {
    step: lockstep(() => 2)(0),
    sampled: () => {},
    drafter: {
      async follow() {},
      propose: async (_text, most) => (lists.shift() ?? []).slice(0, most) as Token[],
    },
    drafted: { proposed: 0, accepted: 0 },
  };
}

const options: SequenceEvaluateOptions = { temperature: 0, seed: 7 };

async function* taken(tokens: AsyncIterable<Chosen>, count: number): AsyncGenerator<Chosen> {
  for await (const one of tokens) {
    yield one;
    if (--count === 0) return;
  }
}

async function take(tokens: AsyncIterable<Chosen>, count: number): Promise<number[]> {
  const taken: number[] = [];
  if (count === 0) return taken;
  for await (const { token } of tokens) {
    taken.push(token);
    if (taken.length === count) break;
  }
  return taken;
}

describe('speculated', () => {
  it('takes what was drafted right, and the token behind it, at once', async () => {
    const { sequence, computed } = counting(64);
    const drafts = drafting([4, 5, 6]);
    expect(await take(speculated(sequence, drafts, [1, 2, 3] as Token[], options), 4)).toEqual([4, 5, 6, 7]);
    expect(computed()).toBe(1);
    expect(drafts.drafted).toEqual({ proposed: 3, accepted: 3 });
  });

  it('forgets what was drafted wrong, and all behind it', async () => {
    const { sequence, tokens } = counting(64);
    const drafts = drafting([4, 7, 8]);
    expect(await take(speculated(sequence, drafts, [3] as Token[], options), 2)).toEqual([4, 5]);
    expect(tokens).toEqual([3, 4]);
    expect(drafts.drafted).toEqual({ proposed: 3, accepted: 1 });
  });

  it('tells of each time that it computes: node-llama-cpp has another sampler then', async () => {
    const { sequence, computed } = counting(64);
    let samplers = 0;
    const drafts = { ...drafting([2, 3], [], [6]), sampled: () => samplers++ };
    await take(speculated(sequence, drafts, [1] as Token[], options), 6);
    expect([samplers, computed()]).toEqual([3, 3]);
  });

  it('tells as much as is asked of the likeliest tokens, also where nothing is drafted', async () => {
    const { sequence, asked } = counting(64);
    const { drafter: _, ...undrafted } = drafting();
    const [chosen] = await Array.fromAsync(
      taken(speculated(sequence, undrafted, [1] as Token[], options, 2), 1),
    );
    expect(chosen?.token).toBe(2);
    expect([...(chosen?.logprobs?.keys() ?? [])]).toEqual([2, 3]);
    expect(chosen?.logprobs?.get(3 as Token)).toBeCloseTo(-1 - Math.log(1.5), 9);
    expect(asked[0]).toMatchObject({
      told: { filter: { tokens: [], includeTop: 2, includeSelected: true } },
    });
  });

  it('ends where the model does, whatever is drafted behind it', async () => {
    const { sequence } = counting(64, 5);
    const drafts = drafting([4, 5, 0, 1]);
    expect(await take(speculated(sequence, drafts, [3] as Token[], options), 9)).toEqual([4, 5]);
  });

  it('gives each place a seed that does not depend on what was drafted', async () => {
    const seeds = async (...lists: number[][]) => {
      const { sequence, asked } = counting(64);
      await take(speculated(sequence, drafting(...lists), [1] as Token[], options), 5);
      return Object.fromEntries(asked.map(({ place, options: of }) => [place, JSON.stringify(of)]));
    };
    const plain = await seeds();
    expect(new Set(Object.values(plain)).size).toBe(Object.keys(plain).length);
    expect(await seeds([2, 3], [5])).toEqual(expect.objectContaining(plain));
    expect(await seeds([9, 9, 9, 9])).toEqual(expect.objectContaining(plain));
  });

  it('chooses what it would have chosen without a draft, up to a full context', async () => {
    const digits = array(constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), { maxLength: 9 });
    await assert(
      asyncProperty(
        array(digits),
        integer({ min: 2, max: 30 }),
        integer({ min: 1, max: 10 }),
        async (lists, size, last) => {
          const count = size - 2;
          const run = async (...drafts: number[][]) => {
            const { sequence } = counting(size, last);
            return take(speculated(sequence, drafting(...drafts), [1] as Token[], options), count);
          };
          expect(await run(...lists)).toEqual(await run());
        },
      ),
    );
  });
});

describe('sequences that speculate', () => {
  it('draft together, and compute together', async () => {
    const stepOf = lockstep(() => 2);
    const log: string[] = [];
    const one = (name: string, number: number, turns: number) => {
      const step = stepOf(number);
      const { sequence } = counting(64);
      const wait = async () => {
        for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      };
      const drafter: Drafter = {
        async follow() {},
        async propose() {
          log.push(`${name} drafts`);
          await wait();
          return [];
        },
      };
      const evaluate = sequence.controlledEvaluate.bind(sequence);
      const watched = Object.create(sequence, {
        controlledEvaluate: {
          value: async (input: ControlledEvaluateInputItem[]) => {
            log.push(`${name} computes`);
            return await evaluate(input);
          },
        },
      }) as Speculating;
      const drafted = { proposed: 0, accepted: 0 };
      return take(
        speculated(watched, { step, sampled: () => {}, drafter, drafted }, [1] as Token[], options),
        2,
      );
    };
    await Promise.all([one('a', 0, 1), one('b', 1, 4)]);
    const round = ['a drafts', 'b drafts', 'a computes', 'b computes'];
    expect(log).toEqual([...round, ...round]);
  });
});

describe('canSpeculate', () => {
  it('says no where the choice looks at what was chosen before', () => {
    expect(canSpeculate({ temperature: 1 })).toBe(true);
    expect(canSpeculate({ grammarEvaluationState: () => undefined })).toBe(false);
    expect(canSpeculate({ repeatPenalty: { punishTokens: [] } })).toBe(false);
  });
});
