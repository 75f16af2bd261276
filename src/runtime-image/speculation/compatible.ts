import type { GgufFileInfo, GgufInsights } from 'node-llama-cpp';

/** A draft that cannot be used for this model. */
export class DraftRefused extends Error {
  override readonly name = 'DraftRefused';
}

type Vocabulary = { metadata: Pick<GgufFileInfo['metadata'], 'tokenizer'> };

/** Vocabularies of one family differ in how far they are padded. llama.cpp's `SPEC_VOCAB_MAX_SIZE_DIFFERENCE`. */
const mostPadding = 128;

/**
 * A draft speaks in tokens, so they have to mean the same to both.
 * @throws DraftRefused
 */
export function ensureSameVocabulary(model: Vocabulary, draft: Vocabulary): void {
  const [ours, theirs] = [model.metadata.tokenizer.ggml, draft.metadata.tokenizer.ggml];
  const refuse = (what: string) => {
    throw new DraftRefused(`its vocabulary is another: ${what}. Use a draft of the same family as the model`);
  };
  if (ours.model !== theirs.model) refuse(`a tokenizer of the kind ${theirs.model}, and not ${ours.model}`);
  const [many, few] = [ours.tokens.length, theirs.tokens.length];
  if (Math.abs(many - few) > mostPadding) refuse(`${few} tokens, and not ${many}`);
  const at = theirs.tokens.slice(0, many).findIndex((token, i) => token !== ours.tokens[i]);
  if (at >= 0) {
    refuse(`token ${at} is ${JSON.stringify(theirs.tokens[at])}, and not ${JSON.stringify(ours.tokens[at])}`);
  }
  if (ours.bos_token_id !== theirs.bos_token_id || ours.eos_token_id !== theirs.eos_token_id) {
    refuse('it begins or ends texts with other tokens');
  }
}

/**
 * Layers with a state instead of keys and values cannot take tokens back, and each wrong draft would be read again.
 * @throws DraftRefused
 */
export function ensureTakesBack({
  isRecurrent,
  isHybrid,
}: Pick<GgufInsights, 'isRecurrent' | 'isHybrid'>): void {
  if (!isRecurrent && !isHybrid) return;
  throw new DraftRefused(
    'a model with recurrent layers cannot take tokens back, so nothing can be drafted for it. Leave spec.runtime.draftModelRef and promptLookup out',
  );
}
