import type { LlamaModel, Token } from 'node-llama-cpp';
import type { Sequence } from './sequence.ts';

/**
 * Has one token computed and another chosen before anybody waits for them: pages of the file are read, buffers
 * allocated and kernels compiled when they are first used. It shows too that tokens can be produced.
 * @param sequences one of each context
 */
export async function warmUp(
  { tokens, fileInsights }: Pick<LlamaModel, 'tokens' | 'fileInsights'>,
  sequences: readonly Sequence[],
): Promise<void> {
  // What only reads, such as a model for embeddings, is computed in contexts that are made when they are asked for.
  if (!fileInsights.hasDecoder || fileInsights.hasEncoder) return;
  const token = tokens.bos ?? tokens.eos ?? (0 as Token);
  for (const sequence of sequences) {
    for await (const _ of sequence.continue([token], { temperature: 0 })) break;
    await sequence.clear();
  }
}
