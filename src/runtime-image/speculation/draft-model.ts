import type { LlamaContextSequence, Token } from 'node-llama-cpp';
import type { Drafter } from './drafter.ts';

/** Of its next token, below which a draft ends: llama.cpp's `--spec-draft-p-min` has the like. */
const leastConfidence = 0.6;

/**
 * A smaller model that reads the same text in a sequence of its own, and writes on until it is not sure.
 * @param sampled called for each sampler that the engine makes
 */
export function draftModel(sequence: LlamaContextSequence, sampled: () => void): Drafter {
  const { contextSize } = sequence;
  /** Forgets what differs, and says what is not known yet. */
  async function rest(text: readonly Token[]): Promise<Token[]> {
    await sequence.adaptStateToTokens(text.slice(0, -1), false);
    return text.slice(sequence.nextTokenIndex);
  }
  return {
    async follow(text) {
      if (text.length >= contextSize) return;
      const tokens = await rest(text);
      await sequence.evaluateWithoutGeneratingNewTokens(tokens);
    },
    async propose(text, most) {
      // Longer than what it was trained for: the model goes on without it.
      if (text.length + most >= contextSize) return [];
      const proposed: Token[] = [];
      sampled();
      const tokens = sequence.evaluateWithMetadata(
        await rest(text),
        { confidence: true },
        { temperature: 0 },
      );
      for await (const { token, confidence } of tokens) {
        if (confidence < leastConfidence) break;
        proposed.push(token);
        if (proposed.length >= most) break;
      }
      return proposed;
    },
  };
}
