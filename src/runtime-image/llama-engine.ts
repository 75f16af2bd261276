import type { LlamaContext, LlamaGrammar, LlamaModel } from 'node-llama-cpp';
import { LlamaGrammarEvaluationState } from 'node-llama-cpp';
import type { AnswerReader } from './answer/reader.ts';
import type { CallShape } from './answer/shape.ts';
import type { ModelFormat } from './chat/format.ts';
import { forcedTools } from './chat/tools.ts';
import { abilitiesOf } from './abilities.ts';
import type { ChatPrompt, Engine, GenerationDefaults, GenerationRequest } from './engine.ts';
import { fittedPrompt } from './fitted-prompt.ts';
import type { Vocabulary } from './generate.ts';
import { startGeneration } from './generate.ts';
import { answerGrammar } from './grammar/answer-grammar.ts';
import { lockstep } from './lockstep.ts';
import { createPool } from './pool.ts';
import { NotSupported } from './refusal.ts';
import { samplingOptions, tokenBias } from './sampling.ts';
import { sequenceOf } from './sequence.ts';
import { sumOf } from './speculation/drafter.ts';
import { warmUp } from './warm-up.ts';
import type { Side } from './side-contexts.ts';
import type { Drafter } from './speculation/drafter.ts';

/** Requests that may wait for a sequence before more are turned away. */
export const maxQueued = 256;

export interface LlamaEngineParts {
  model: LlamaModel;
  context: LlamaContext;
  format: ModelFormat;
  defaults: GenerationDefaults;
  side: Side;
  /** Called for each sampler that is made. */
  sampled: () => void;
  /** One for each sequence; absent: nothing is drafted. */
  drafters?: readonly Drafter[];
}

export interface LlamaEngine extends Engine {
  /** Computes a token, once, before requests come. */
  warmUp(): Promise<void>;
}

/** An engine whose requests are decoded together: each has a sequence of the context to itself while it runs. */
export function llamaEngine(parts: LlamaEngineParts): LlamaEngine {
  const { model, context, format, defaults, side, sampled, drafters = [] } = parts;
  // Sequences live as long as the context: a disposed one frees its place only later.
  const stepOf = lockstep(() => pool.busy());
  const sequences = Array.from({ length: context.totalSequences }, (_, number) =>
    sequenceOf(context.getSequence(), { step: stepOf(number), sampled, drafter: drafters[number] }),
  );
  const pool = createPool(sequences, maxQueued);
  const held = context.contextSize;
  const vocabulary: Vocabulary = {
    tokenize: (text, special) => model.tokenize(text, special),
    detokenize: (tokens, special, before) => model.detokenize(tokens, special, before),
  };
  return {
    contextSize: held,
    parallel: sequences.length,
    defaults,
    abilities: abilitiesOf(model, format),
    queued: pool.waiting,
    busy: pool.busy,
    held: () => sequences.reduce((total, { length }) => total + length(), 0),
    drafted: () => sumOf(sequences.map(({ drafted }) => drafted)),
    warmUp: () => warmUp(model, sequences.slice(0, 1)),
    ...side,
    async start(request) {
      pool.ensureRoom();
      const contextSize = Math.min(request.contextSize ?? held, held);
      const prompt = fittedPrompt({ model, format, contextSize }, request);
      const structure = await structureOf(model, request, prompt.answer.call);
      const { logitBias } = request.sampling;
      const bias = logitBias && logitBias.size > 0 ? tokenBias(model, logitBias) : undefined;
      return startGeneration({
        vocabulary,
        pool,
        contextSize,
        request,
        prompt,
        parallelCalls: request.prompt.kind !== 'chat' || request.prompt.parallelCalls !== false,
        now: () => performance.now(),
        optionsFor(generated, limit, reader) {
          return {
            ...samplingOptions(request.sampling, { prompt: prompt.tokens, generated, contextSize, limit }),
            ...(bias && { tokenBias: bias }),
            ...(structure && { grammarEvaluationState: grammarState(model, structure, reader) }),
          };
        },
      });
    },
  };
}

interface Held {
  grammar: LlamaGrammar;
  /** Whether the answer is a call and nothing else. */
  forced: boolean;
}

/** What the answer is held to: a structure, a call, or one of both. */
async function structureOf(
  model: LlamaModel,
  { structure, prompt }: GenerationRequest,
  call: CallShape | undefined,
): Promise<Held | undefined> {
  const {
    tools = [],
    toolChoice = 'auto',
    parallelCalls = true,
  }: Partial<ChatPrompt> = prompt.kind === 'chat' ? prompt : {};
  const forced = forcedTools(tools, toolChoice);
  if (call?.begins[0]?.trim() === '') {
    throw new NotSupported('The chat template of this model has no form for calling tools.');
  }
  if (forced) {
    return {
      grammar: await answerGrammar(model.llama, { tools: forced, call, parallelCalls }),
      forced: true,
    };
  }
  if (!structure) return undefined;
  const grammar = await answerGrammar(model.llama, { structure, tools, call, parallelCalls });
  return { grammar, forced: false };
}

/** Holds the answer to the grammar from where it begins: behind a thought, and behind what announces it. */
function grammarState(model: LlamaModel, { grammar, forced }: Held, reader: AnswerReader) {
  const state = new LlamaGrammarEvaluationState({ model, grammar });
  let begun = false;
  return () => {
    begun ||= reader.mode !== 'thought' && (forced || reader.mode !== 'outside');
    return begun ? state : undefined;
  };
}
