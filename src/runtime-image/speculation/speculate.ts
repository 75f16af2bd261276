import { createHash } from 'node:crypto';
import type {
  ControlledEvaluateInputItem,
  LlamaContextSequence,
  SequenceEvaluateOptions,
  Token,
} from 'node-llama-cpp';
import type { Chosen } from '../chosen.ts';
import type { Lockstep } from '../lockstep.ts';
import { fromLogits } from '../logprobs.ts';
import type { Drafted, Drafter } from './drafter.ts';

/** Tokens that are drafted at once: each that is wrong was computed for nothing. */
const mostDrafted = 8;

/** As much of a sequence as this needs; tests have one without a model. */
export type Speculating = Pick<
  LlamaContextSequence,
  'contextSize' | 'contextTokens' | 'nextTokenIndex' | 'controlledEvaluate' | 'eraseContextTokenRanges'
> & { model: { isEogToken(token: Token): boolean } };

/**
 * Whether tokens can be chosen before those ahead of them were handed out. A grammar and penalties look at what was.
 */
export function canSpeculate({ grammarEvaluationState, repeatPenalty }: SequenceEvaluateOptions): boolean {
  return grammarEvaluationState === undefined && repeatPenalty === undefined;
}

/**
 * Computes tokens, then one chosen after the other, as evaluate() does, with the help of a drafter, if there is one: what
 * it proposes is computed together, as far as the model would have chosen the same, and the rest is forgotten.
 *
 * Why not the token predictors of node-llama-cpp 3.22: see docs/adr/0025.
 */
export async function* speculated(
  sequence: Speculating,
  {
    step,
    sampled,
    drafter,
    drafted,
  }: { step: Lockstep; sampled: () => void; drafter?: Drafter | undefined; drafted: Drafted },
  tokens: readonly Token[],
  options: SequenceEvaluateOptions,
  top?: number,
): AsyncGenerator<Chosen> {
  let input = tokens;
  for (;;) {
    // A step of its own: sequences draft together, and then compute together.
    const draft = drafter ? await step.decode(() => drawnUp(sequence, drafter, input)) : [];
    sampled();
    const compute = () => computed(sequence, input, draft, options, top);
    const chosen = input.length > 1 ? await step.prefill(compute) : await step.decode(compute);
    drafted.proposed += draft.length;
    drafted.accepted += chosen.length - 1;
    for (const one of chosen) {
      if (sequence.model.isEogToken(one.token)) return;
      yield one;
    }
    input = chosen.slice(-1).map(({ token }) => token);
  }
}

/** What may follow, as far as there is room for it. */
async function drawnUp(
  { contextTokens, contextSize }: Speculating,
  drafter: Drafter,
  input: readonly Token[],
): Promise<readonly Token[]> {
  const text = [...contextTokens, ...input];
  const most = Math.min(mostDrafted, contextSize - 1 - text.length);
  return most > 0 ? await drafter.propose(text, most) : [];
}

/** Computes tokens and a draft behind them; what was drafted wrong is forgotten. */
async function computed(
  sequence: Speculating,
  input: readonly Token[],
  draft: readonly Token[],
  options: SequenceEvaluateOptions,
  top: number | undefined,
): Promise<Chosen[]> {
  const first = sequence.nextTokenIndex + input.length;
  // The largest logit is what the others are reckoned from.
  const filter = { tokens: [], includeTop: Math.max(1, top ?? 0), includeSelected: true };
  const told = top === undefined ? {} : { logits: { filter }, totalLogitWeight: true };
  const asked = [...input.slice(-1), ...draft].map((token, i): ControlledEvaluateInputItem => [
    token,
    { generateNext: { token: true, ...told, options: seeded(options, first + i) } },
  ]);
  const outputs = await sequence.controlledEvaluate([...input.slice(0, -1), ...asked]);
  const chosen = chosenOf(outputs.slice(input.length - 1), draft);
  const wrong = draft.length - (chosen.length - 1);
  const end = sequence.nextTokenIndex;
  if (wrong > 0) await sequence.eraseContextTokenRanges([{ start: end - wrong, end }]);
  return chosen;
}

type Output = Awaited<ReturnType<Speculating['controlledEvaluate']>>[number];

/** What the model chose, up to where the draft went another way. */
function chosenOf(outputs: readonly (Output | undefined)[], draft: readonly Token[]): Chosen[] {
  const chosen: Chosen[] = [];
  for (const [i, output] of outputs.entries()) {
    const { token, logits, totalLogitWeight: weight = 0 } = output?.next ?? {};
    if (token === undefined || token === null) throw new Error('no token could be chosen');
    chosen.push({ token, ...(logits && { logprobs: fromLogits(logits, weight) }) });
    if (draft[i] !== token) break;
  }
  return chosen;
}

/** One seed for each place, so that a text does not depend on what was drafted. */
function seeded(
  { temperature, minP, topK, topP, tokenBias, seed = 0 }: SequenceEvaluateOptions,
  place: number,
) {
  const own = createHash('sha256').update(`${seed} ${place}`).digest().readUInt32LE();
  return {
    ...(temperature !== undefined && { temperature }),
    ...(minP !== undefined && { minP }),
    ...(topK !== undefined && { topK }),
    ...(topP !== undefined && { topP }),
    ...(tokenBias !== undefined && { tokenBias }),
    seed: own,
  };
}
