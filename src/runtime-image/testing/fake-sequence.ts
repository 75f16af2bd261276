import type { Token } from 'node-llama-cpp';
import type { Chosen } from '../chosen.ts';
import type { Sequence } from '../sequence.ts';

export interface FakeSequence extends Sequence {
  /** What is in it. */
  readonly tokens: Token[];
  /** How many tokens were computed. */
  computed: number;
}

/**
 * A sequence without a model: behind a prompt it chooses one token above the last, and fails behind `broken`. It does
 * so one turn of the event loop later, as computing does, and only for one at a time.
 */
export function fakeSequence(broken?: number): FakeSequence {
  const tokens: Token[] = [];
  let atWork = false;
  const compute = async (more: readonly Token[]) => {
    if (atWork) throw new Error('two requests have one sequence');
    atWork = true;
    await new Promise((resolve) => setImmediate(resolve));
    atWork = false;
    tokens.push(...more);
    sequence.computed += more.length;
    if (tokens.at(-1) === broken) throw new Error('the model is broken');
  };
  const commonPrefix = (others: readonly Token[]) => {
    const different = tokens.findIndex((token, i) => token !== others[i]);
    return different < 0 ? tokens.length : different;
  };
  const sequence: FakeSequence = {
    tokens,
    computed: 0,
    batchSize: 4,
    drafted: { proposed: 0, accepted: 0 },
    length: () => tokens.length,
    commonPrefix,
    async adapt(others) {
      tokens.length = commonPrefix(others);
    },
    async clear() {
      tokens.length = 0;
    },
    feed: compute,
    async *continue(first): AsyncGenerator<Chosen> {
      let next: readonly Token[] = first;
      for (;;) {
        await compute(next);
        const token = ((tokens.at(-1) ?? 0) + 1) as Token;
        yield { token };
        next = [token];
      }
    },
  };
  return sequence;
}
