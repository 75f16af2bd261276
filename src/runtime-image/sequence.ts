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
   * were not handed out. @param top how many of the likeliest tokens are told with each; absent: nothing is told
   */
  continue(tokens: Token[], options: SequenceEvaluateOptions, top?: number): AsyncIterable<Chosen>;
  readonly drafted: Readonly<Drafted>;
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
    continue: (tokens, options, top) => {
      // Without a drafter for the sake of `top`: elsewhere the engine hands out the whole vocabulary.
      if ((drafter || top !== undefined) && canSpeculate(options)) {
        return speculated(sequence, { step, sampled, drafter, drafted }, tokens, options, top);
      }
      sampled();
      return inStep(
        step,
        tokens.length,
        top === undefined ? alone(sequence, tokens, options) : withLikeliest(sequence, tokens, options, top),
      );
    },
  };
}

/** @param first how many tokens are computed before one is chosen */
async function* inStep(step: Lockstep, first: number, chosen: AsyncGenerator<Chosen, unknown>) {
  const next = () => chosen.next();
  try {
    let one = first > 1 ? await step.prefill(next) : await step.decode(next);
    for (; !one.done; one = await step.decode(next)) yield one.value;
  } finally {
    await chosen.return(undefined);
  }
}

async function* alone(sequence: LlamaContextSequence, tokens: Token[], options: SequenceEvaluateOptions) {
  for await (const token of sequence.evaluate(tokens, options)) yield { token };
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
