import { HubApiError } from '@huggingface/hub';
import { publicHub } from '../../api/source.ts';
import { formatBytes } from '../../controllers/text.ts';
import {
  inspectRepository,
  searchModels,
  type FoundModel,
  type FoundQuantization,
  type Hub,
} from '../../sources/hugging-face/search.ts';
import { CliError, exitCodes } from '../failure.ts';
import { formatAge, table, type Column } from '../table.ts';
import type { Terminal } from '../terminal.ts';

export interface SearchOptions {
  source: 'huggingface' | 'ollama';
  limit: number;
  endpoint?: string | undefined;
  output?: 'json' | undefined;
}

/**
 * Looks for models on a Hugging Face hub, from this machine: with HF_TOKEN, and on HF_ENDPOINT where that is set. A query
 * that is an owner/name shows what is in that repository.
 */
export async function search(terminal: Terminal, query: string, options: SearchOptions): Promise<void> {
  if (options.source === 'ollama') {
    throw new CliError(
      exitCodes.usage,
      "Ollama's registry cannot be searched by programs.",
      'Look at https://ollama.com/search, and pull what you find with `longshore pull NAME:TAG`.',
    );
  }
  const hub = hubOf(options);
  const now = new Date();
  const say = (value: unknown, text: string): void => {
    terminal.out.write(`${options.output === 'json' ? JSON.stringify(value, null, 2) : text}\n`);
  };
  try {
    if (/^[^/\s]+\/[^/\s]+$/.test(query)) {
      const found = await inspectRepository(hub, query);
      say(found, `${table(columns(now), [found])}\n\n${quantizationsOf(found)}`);
      return;
    }
    const found = await searchModels(hub, query, options.limit);
    if (found.length === 0 && options.output === undefined) {
      terminal.err.write(`Nothing with GGUF files matches "${query}" on ${hub.endpoint}.\n`);
      return;
    }
    say(found, table(columns(now), found));
  } catch (error) {
    throw refusal(error, query, hub.endpoint);
  }
}

function hubOf({ endpoint = process.env['HF_ENDPOINT'] ?? publicHub }: SearchOptions): Hub {
  const token = process.env['HF_TOKEN'];
  return {
    endpoint: endpoint.replace(/\/+$/, ''),
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      if (token !== undefined && token !== '') headers.set('authorization', `Bearer ${token}`);
      return fetch(input, { ...init, headers });
    },
  };
}

const columns = (now: Date): Column<FoundModel>[] => [
  { header: 'NAME', of: ({ name }) => name },
  { header: 'DOWNLOADS', of: ({ downloads }) => downloads },
  { header: 'LIKES', of: ({ likes }) => likes },
  { header: 'LICENSE', of: ({ license }) => license },
  { header: 'GATED', of: ({ isGated }) => (isGated ? 'yes' : 'no') },
  { header: 'UPDATED', of: ({ updatedAt }) => formatAge(updatedAt.toISOString(), now) },
];

function quantizationsOf({
  name,
  quantizations,
}: FoundModel & { quantizations: FoundQuantization[] }): string {
  if (quantizations.length === 0) return 'It has no GGUF model: no server can load it.';
  const pull = ({ quantization }: FoundQuantization): string =>
    `longshore pull ${name}${quantization === undefined ? '' : `:${quantization}`} --source huggingface`;
  return table(
    [
      { header: 'QUANTIZATION', of: ({ quantization }: FoundQuantization) => quantization },
      { header: 'SIZE', of: ({ sizeBytes }) => formatBytes(sizeBytes) },
      { header: 'FILE', of: ({ path }) => path },
      { header: 'PULL IT WITH', of: pull },
    ],
    quantizations,
  );
}

function refusal(error: unknown, query: string, endpoint: string): unknown {
  if (error instanceof CliError) return error;
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
