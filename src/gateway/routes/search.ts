import { HubApiError } from '@huggingface/hub';
import { z } from 'zod';
import { searchOrders } from '../../api/choices.ts';
import {
  inspectRepository,
  searchModels,
  type FoundModel,
  type Hub,
} from '../../sources/hugging-face/search.ts';
import { json, type Operation } from '../../http-server/openapi/operation.ts';
import type { App } from '../app.ts';
import { Refusal } from '../../http-server/refusal.ts';

const Search = z.strictObject({
  q: z.string().max(200).default('').describe('Words that are looked for; absent: the most downloaded.'),
  source: z
    .enum(['huggingface', 'ollama'])
    .default('huggingface')
    .describe('ollama is refused: it cannot be searched by programs.'),
  author: z
    .string()
    .max(96)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/)
    .optional()
    .describe('Only those of this user or organisation.'),
  license: z
    .string()
    .max(60)
    .regex(/^[A-Za-z0-9._-]+$/)
    .optional()
    .describe('Only those whose card has this license, such as apache-2.0.'),
  sort: z.enum(searchOrders).default('downloads').describe('What comes first: the most, or the latest.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

const part = z
  .string()
  .max(96)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/);
const Repository = z.strictObject({ owner: part, repo: part });

const found = {
  name: z.string().describe('owner/name, as a pull takes it.'),
  source: z.literal('huggingface'),
  downloads: z.int().describe('Of the last 30 days.'),
  likes: z.int(),
  license: z.string().optional(),
  gated: z.boolean().describe('Whether its files have to be asked for.'),
  updated_at: z.iso.datetime(),
};
const hubField = { endpoint: z.url().describe('The hub that was asked.') };
const Found = z
  .object({ ...hubField, models: z.array(z.object(found)) })
  .meta({ title: 'FoundRepositories' });
type Found = z.infer<typeof Found>;
const FoundRepository = z
  .object({
    ...hubField,
    ...found,
    quantizations: z.array(
      z.object({
        quantization: z.string().optional(),
        file: z.string().describe('The first of its files.'),
        size: z.int().describe('Bytes, of all its files.'),
      }),
    ),
  })
  .meta({ title: 'FoundRepository' });
type FoundRepository = z.infer<typeof FoundRepository>;

const search: Operation = {
  id: 'searchModels',
  api: 'Management',
  summary: 'Repositories with GGUF files on the hub, the most downloaded first',
  answers: { 200: [json(Found)] },
  errors: [400, 502, 503],
};
const inspect: Operation = {
  id: 'inspectRepository',
  api: 'Management',
  summary: 'A repository of the hub, with the size of each quantization',
  answers: { 200: [json(FoundRepository)] },
  errors: [400, 404, 502, 503],
};

const read = { access: ['read', 'manage'] } as const;

/** Milliseconds that a hub has for each of its answers. */
const patience = 10_000;

/** What a hub has to pull: repositories with GGUF files, and what is in one. The hub is asked without a token. */
export function searchRoutes(app: App, endpoint: string): void {
  const hub: Hub = {
    endpoint: endpoint.replace(/\/+$/, ''),
    fetch: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(patience) }),
  };

  const asSearch = { schema: { querystring: Search }, config: { ...read, operation: search } };
  app.get('/models/search', asSearch, async (request): Promise<Found> => {
    const { q, source, limit, ...filters } = request.query;
    if (source === 'ollama') {
      throw new Refusal(
        400,
        "source: Ollama's registry cannot be searched by programs. Look at https://ollama.com/search, and pull what you find by its name.",
        { code: 'invalid_request', param: 'source' },
      );
    }
    const found = await asked(hub, `models that match "${q}"`, () => searchModels(hub, q, limit, filters));
    return { endpoint: hub.endpoint, models: found.map(described) };
  });

  const asInspect = { schema: { params: Repository }, config: { ...read, operation: inspect } };
  app.get('/models/search/:owner/:repo', asInspect, async (request): Promise<FoundRepository> => {
    const { owner, repo } = request.params;
    const name = `${owner}/${repo}`;
    const found = await asked(hub, `a repository ${name}`, () => inspectRepository(hub, name));
    return {
      endpoint: hub.endpoint,
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
    source: 'huggingface' as const,
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
