import { HubApiError } from '@huggingface/hub';
import { publicHub } from '../api/source.ts';
import {
  inspectRepository,
  searchModels,
  type FoundModel,
  type FoundQuantization,
  type Hub,
  type SearchFilters,
} from '../sources/hugging-face/search.ts';
import { CliError, exitCodes } from './failure.ts';

export type Repository = FoundModel & { quantizations: FoundQuantization[] };

/** Looks for models on a hub, whoever asks it. Everything rejects with CliError. */
export interface Finder extends AsyncDisposable {
  search(
    query: string,
    limit: number,
    filters: SearchFilters,
  ): Promise<{ endpoint: string; models: FoundModel[] }>;
  /** @param name owner/name */
  inspect(name: string): Promise<Repository>;
}

/** Asks the hub from this machine: with HF_TOKEN, and at HF_ENDPOINT where no other is named. */
export function hubFinder(asked: string | undefined): Finder {
  const endpoint = (asked ?? process.env['HF_ENDPOINT'] ?? publicHub).replace(/\/+$/, '');
  const token = process.env['HF_TOKEN'];
  const hub: Hub = {
    endpoint,
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      if (token !== undefined && token !== '') headers.set('authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    },
  };
  const told = (name: string) => (error: unknown) => {
    throw refusal(error, name, endpoint);
  };
  return {
    search: async (query, limit, filters) => ({
      endpoint,
      models: await searchModels(hub, query, limit, filters).catch(told(query)),
    }),
    inspect: (name) => inspectRepository(hub, name).catch(told(name)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function refusal(error: unknown, query: string, endpoint: string): unknown {
  const withToken = 'A private or gated repository needs a token: set HF_TOKEN.';
  if (error instanceof HubApiError) {
    if (error.statusCode === 404 || error.statusCode === 401) {
      return new CliError(
        exitCodes.notFound,
        `${endpoint} has no repository ${query}, or does not show it.`,
        withToken,
      );
    }
    return new CliError(
      exitCodes.failed,
      `${endpoint} did not answer: HTTP ${error.statusCode} ${error.message}`,
    );
  }
  if (error instanceof TypeError) {
    const why = error.cause instanceof Error ? error.cause.message : error.message;
    return new CliError(
      exitCodes.failed,
      `${endpoint} cannot be reached: ${why}`,
      'Look at the network and its proxy, or name another hub with --endpoint or HF_ENDPOINT.',
    );
  }
  return error;
}
