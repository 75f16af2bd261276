import type {
  LlamaContextSequence,
  SequenceEvaluateMetadataOptions,
  SequenceEvaluateOptions,
  Token,
} from 'node-llama-cpp';

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
  /** Computes tokens, then one chosen after the other. @param likely whether the probabilities of all others are told */
  continue(tokens: Token[], options: SequenceEvaluateOptions, likely: boolean): AsyncIterable<Chosen>;
}

export interface Chosen {
  token: Token;
  /** The likeliest first: of the whole vocabulary, or what is left of it. */
  probabilities?: Iterable<[Token, number]>;
}

export function sequenceOf(sequence: LlamaContextSequence): Sequence {
  return {
    batchSize: sequence.context.batchSize,
    length: () => sequence.nextTokenIndex,
    commonPrefix: (tokens) => sequence.compareContextTokens(tokens as Token[]).firstDifferentIndex,
    adapt: (tokens) => sequence.adaptStateToTokens(tokens as Token[], false),
    clear: () => sequence.clearHistory(),
    feed: (tokens) => sequence.evaluateWithoutGeneratingNewTokens(tokens),
    continue: (tokens, options, likely) =>
      likely ? withProbabilities(sequence, tokens, options) : alone(sequence, tokens, options),
  };
}

async function* alone(sequence: LlamaContextSequence, tokens: Token[], options: SequenceEvaluateOptions) {
  for await (const token of sequence.evaluate(tokens, options)) yield { token };
}

const all = { probabilities: true } as const satisfies SequenceEvaluateMetadataOptions;

function withProbabilities(
  sequence: LlamaContextSequence,
  tokens: Token[],
  options: SequenceEvaluateOptions,
) {
  return sequence.evaluateWithMetadata(tokens, all, options);
}
