import { HubApiError } from '@huggingface/hub';
import { z } from 'zod';
import {
  inspectRepository,
  searchModels,
  type FoundModel,
  type Hub,
} from '../../sources/hugging-face/search.ts';
import type { App } from '../app.ts';
import { parseBody } from '../management/wanted.ts';
import { Refusal } from '../refusal.ts';

const Search = z.strictObject({
  q: z.string().max(200).default(''),
  source: z.enum(['huggingface', 'ollama']).default('huggingface'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const Repository = z.strictObject({
  owner: z
    .string()
    .max(96)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
  repo: z
    .string()
    .max(96)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/),
});

const read = { access: ['read', 'manage'] } as const;

/** Milliseconds that a hub has for each of its answers. */
const patience = 10_000;

/** What a hub has to pull: repositories with GGUF files, and what is in one. The hub is asked without a token. */
export function searchRoutes(app: App, endpoint: string): void {
  const hub: Hub = {
    endpoint: endpoint.replace(/\/+$/, ''),
    fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(patience) }),
  };

  app.get('/models/search', { config: read }, async (request) => {
    const { q, source, limit } = parseBody(Search, request.query);
    if (source === 'ollama') {
      throw new Refusal(
        400,
        "source: Ollama's registry cannot be searched by programs. Look at https://ollama.com/search, and pull what you find by its name.",
        { code: 'invalid_request', param: 'source' },
      );
    }
    const found = await asked(hub, `models that match "${q}"`, () => searchModels(hub, q, limit));
    return { models: found.map(described) };
  });

  app.get('/models/search/:owner/:repo', { config: read }, async (request) => {
    const { owner, repo } = parseBody(Repository, request.params);
    const name = `${owner}/${repo}`;
    const found = await asked(hub, `a repository ${name}`, () => inspectRepository(hub, name));
    return {
      ...described(found),
      quantizations: found.quantizations.map(({ quantization, path, sizeBytes }) => ({
        ...(quantization !== undefined && { quantization }),
        file: path,
        size: sizeBytes,
      })),
    };
  });
}

function described({ name, downloads, likes, license, isGated, updatedAt }: FoundModel) {
  return {
    name,
    source: 'huggingface',
    downloads,
    likes,
    ...(license !== undefined && { license }),
    gated: isGated,
    updated_at: updatedAt.toISOString(),
  };
}

async function asked<T>({ endpoint }: Hub, what: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    // A hub says the same of what is not there and of what it does not show.
    if (error instanceof HubApiError && [401, 404].includes(error.statusCode)) {
      throw new Refusal(404, `${endpoint} has not ${what}, or does not show it without a token.`, {
        code: 'not_found',
      });
    }
    throw new Refusal(502, `${endpoint} cannot be asked for ${what} now. Try again in a moment.`, {
      code: 'hub_failed',
      retryAfter: 5,
      cause: error,
    });
  }
}
