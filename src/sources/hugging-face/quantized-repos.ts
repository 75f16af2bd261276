import { listModels } from '@huggingface/hub';
import { HuggingFaceSource } from '../../api/source.ts';
import { SourceError } from '../source.ts';

const mostSuggestions = 3;

/**
 * A NoModelFile that names up to three GGUF repositories quantized from the repository, the most downloaded first, as far
 * as the hub knows any: it lists models by the one that their card names as their base.
 */
export async function withQuantizedRepos(
  error: SourceError,
  {
    repo,
    endpoint,
    fetch: ask,
    signal,
  }: { repo: string; endpoint: string; fetch: typeof fetch; signal?: AbortSignal | undefined },
): Promise<SourceError> {
  const names: string[] = [];
  const models = listModels({
    search: { tags: ['gguf', `base_model:quantized:${repo}`] },
    sort: 'downloads',
    limit: mostSuggestions,
    hubUrl: endpoint,
    // One page is enough: what it links to is not followed.
    fetch: async (input, init) => new Response((await ask(input, init)).body),
  });
  try {
    for await (const { name } of models) {
      const { data } = HuggingFaceSource.shape.repo.safeParse(name);
      if (data !== undefined && data !== repo) names.push(data);
    }
  } catch {
    // A hub need not have such a list. Without it the message still says what is wrong.
    signal?.throwIfAborted();
  }
  if (names.length === 0) return error;
  return new SourceError(
    error.reason,
    `${error.message} Quantized from ${repo} as GGUF, the most downloaded first: ${names.join(', ')}.`,
    { cause: error },
  );
}
