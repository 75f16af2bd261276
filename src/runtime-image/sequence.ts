import type {
  LlamaContextSequence,
  SequenceEvaluateMetadataOptions,
  SequenceEvaluateOptions,
  Token,
} from 'node-llama-cpp';
import type { Chosen } from './chosen.ts';
import type { Lockstep } from './lockstep.ts';
import { fromProbabilities } from './logprobs.ts';
import type { Drafted, Drafter } from './speculation/drafter.ts';
import { canSpeculate, speculated } from './speculation/speculate.ts';

/** As much of a sequence as generation needs; tests have one without a model. */
export interface Sequence {
  /** Tokens that are computed together at most. */
  readonly batchSize: number;
  /** Where the next token goes: how many there are. */
  readonly length: () => number;
  /** How many tokens from the beginning are the same. */
  commonPrefix(tokens: readonly Token[]): number;
  /** Forgets what differs from these tokens. */
  adapt(tokens: readonly Token[]): Promise<void>;
  clear(): Promise<void>;
  /** Computes tokens and chooses none. */
  feed(tokens: Token[]): Promise<void>;
  /**
   * Computes tokens, then one chosen after the other. Who takes no more of them may leave tokens in the sequence that
   * were not handed out.
   */
  continue(tokens: Token[], options: SequenceEvaluateOptions, wanted: Wanted): AsyncIterable<Chosen>;
  readonly drafted: Readonly<Drafted>;
}

export interface Wanted {
  /** Tokens that are taken at most. */
  most: number;
  /** How many of the likeliest tokens are told with each; absent: nothing is told. */
  top?: number | undefined;
}

export interface SequenceParts {
  /** That of this sequence, in the context. */
  step: Lockstep;
  /** Called for each sampler that the engine makes. */
  sampled: () => void;
  /** Absent: one token is computed after the other. */
  drafter?: Drafter | undefined;
}

export function sequenceOf(
  sequence: LlamaContextSequence,
  { step, sampled, drafter }: SequenceParts,
): Sequence {
  const { batchSize, totalSequences } = sequence.context;
  const drafted: Drafted = { proposed: 0, accepted: 0 };
  return {
    drafted,
    // With room for a token of every other sequence: all of it is computed at once.
    batchSize: Math.max(1, batchSize - totalSequences + 1),
    length: () => sequence.nextTokenIndex,
    commonPrefix: (tokens) => sequence.compareContextTokens(tokens as Token[]).firstDifferentIndex,
    adapt: (tokens) => sequence.adaptStateToTokens(tokens as Token[], false),
    clear: () => sequence.clearHistory(),
    async feed(tokens) {
      await step.prefill(() => sequence.evaluateWithoutGeneratingNewTokens(tokens));
      await drafter?.follow(sequence.contextTokens);
    },
    continue: (tokens, options, { most, top }) => {
      // Without a drafter for the sake of `top`: elsewhere the engine hands out the whole vocabulary.
      if ((drafter || top !== undefined) && canSpeculate(options)) {
        return speculated(sequence, { step, sampled, drafter, drafted }, tokens, options, top);
      }
      sampled();
      if (top !== undefined)
        return inStep(step, tokens.length, 0, withLikeliest(sequence, tokens, options, top), (one) => one);
      const ahead = canSpeculate(options) ? most : 0;
      return inStep(step, tokens.length, ahead, sequence.evaluate(tokens, options), (token) => ({ token }));
    },
  };
}

/**
 * @param first how many tokens are computed before one is chosen
 * @param ahead of how many tokens each is computed while the one before is written out; those behind them when they are
 *   asked for
 */
async function* inStep<T>(
  step: Lockstep,
  first: number,
  ahead: number,
  tokens: AsyncGenerator<T, unknown>,
  chosen: (one: T) => Chosen,
): AsyncGenerator<Chosen> {
  const next = () => tokens.next();
  try {
    let coming = first > 1 ? step.prefill(next) : step.decode(next);
    for (let taken = 1; ; taken++) {
      const one = await coming;
      if (one.done) return;
      const early = taken < ahead ? step.decode(next) : undefined;
      // It may be that nobody takes it any more.
      early?.catch(() => undefined);
      yield chosen(one.value);
      coming = early ?? step.decode(next);
    }
  } finally {
    await tokens.return(undefined);
  }
}

const all = { probabilities: true } as const satisfies SequenceEvaluateMetadataOptions;

async function* withLikeliest(
  sequence: LlamaContextSequence,
  tokens: Token[],
  options: SequenceEvaluateOptions,
  top: number,
): AsyncGenerator<Chosen> {
  for await (const { token, probabilities } of sequence.evaluateWithMetadata(tokens, all, options)) {
    yield { token, logprobs: fromProbabilities(probabilities, token, top) };
  }
}
