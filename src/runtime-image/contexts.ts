import type { LlamaContext, LlamaModel } from 'node-llama-cpp';
import type { RuntimeSettings } from '../protocols/runtime.ts';
import { cacheOptions } from './cache-options.ts';
import { draftModel } from './speculation/draft-model.ts';
import type { Drafter } from './speculation/drafter.ts';
import { promptLookup } from './speculation/lookup.ts';

export interface ContextParts {
  model: LlamaModel;
  /** Absent: no model drafts. */
  draft: LlamaModel | undefined;
  settings: RuntimeSettings;
  /** Tokens. */
  contextSize: number;
  /** That compute. */
  threads: number;
  /** Called for each sampler that the engine makes. */
  sampled: () => void;
}

export interface Contexts {
  /** Of the model as it is. */
  own: LlamaContext;
  /** One for each of its sequences; absent: nothing is drafted. */
  drafters?: readonly Drafter[] | undefined;
  /** At most one: in which the draft model writes. */
  ofDraft: readonly LlamaContext[];
  adapters: readonly { name: string; context: LlamaContext; drafters?: readonly Drafter[] | undefined }[];
}

/**
 * llama.cpp applies adapters to a whole context, so each has one of its own: what one has computed is never taken for
 * another, and all of them are computed beside each other. A draft model knows nothing of adapters, and drafts for the
 * model itself only.
 */
export async function makeContexts({
  model,
  draft,
  settings,
  contextSize,
  threads,
  sampled,
}: ContextParts): Promise<Contexts> {
  const { parallel, adapterPaths = [], adapters = [] } = settings;
  const always = adapterPaths.map((filePath) => ({ filePath, scale: 1 }));
  const make = async (loras: readonly { filePath: string; scale: number }[]) =>
    await model.createContext({
      sequences: parallel,
      contextSize,
      threads,
      ...cacheOptions(settings).forContext,
      ...(loras.length > 0 && { lora: { adapters: [...loras] } }),
    });
  const lookups = settings.promptLookup ? Array.from({ length: parallel }, () => promptLookup) : undefined;
  const own = await make(always);
  const ofDraft = draft && (await draftContext(draft, own, threads));
  const named = [];
  for (const { name, path, scale } of adapters) {
    const context = await make([...always, { filePath: path, scale }]);
    named.push({ name, context, drafters: lookups });
  }
  return {
    own,
    drafters: ofDraft ? sequencesOf(ofDraft).map((each) => draftModel(each, sampled)) : lookups,
    ofDraft: ofDraft ? [ofDraft] : [],
    adapters: named,
  };
}

/** As long as the model's, as far as the draft was trained for that. */
async function draftContext(
  draft: LlamaModel,
  { totalSequences, contextSize }: LlamaContext,
  threads: number,
) {
  return await draft.createContext({
    sequences: totalSequences,
    contextSize: Math.min(contextSize, draft.trainContextSize),
    threads,
  });
}

function sequencesOf(context: LlamaContext) {
  return Array.from({ length: context.totalSequences }, () => context.getSequence());
}
