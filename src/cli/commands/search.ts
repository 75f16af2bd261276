import { formatBytes } from '../../controllers/text.ts';
import type { FoundModel, FoundQuantization, SearchFilters } from '../../sources/hugging-face/search.ts';
import type { DoorOptions } from '../door.ts';
import { CliError, exitCodes } from '../failure.ts';
import type { Finder, Repository } from '../finder.ts';
import { formatAge, table, type Column } from '../table.ts';
import type { Terminal } from '../terminal.ts';

export interface SearchOptions extends SearchFilters {
  source: 'huggingface' | 'ollama';
  limit: number;
  endpoint?: string | undefined;
  output?: 'json' | undefined;
}

/**
 * Looks for models on a Hugging Face hub, from this machine or through a gateway. A query that is an owner/name shows what is
 * in that repository.
 */
export async function search(
  door: DoorOptions,
  self: string,
  terminal: Terminal,
  query: string,
  options: SearchOptions,
): Promise<void> {
  if (options.source === 'ollama') {
    throw new CliError(
      exitCodes.usage,
      "Ollama's registry cannot be searched by programs.",
      `Look at https://ollama.com/search, and pull what you find with \`${self} pull NAME:TAG\`.`,
    );
  }
  await using finder = await finderFor(door, options);
  const now = new Date();
  const say = (value: unknown, text: string): void => {
    terminal.out.write(`${options.output === 'json' ? JSON.stringify(value, null, 2) : text}\n`);
  };
  if (/^[^/\s]+\/[^/\s]+$/.test(query)) {
    const found = await finder.inspect(query);
    say(found, `${table(columns(now), [found])}\n\n${quantizationsOf(self, found)}`);
    return;
  }
  const { endpoint, models } = await finder.search(query, options.limit, options);
  if (models.length === 0 && options.output === undefined) {
    terminal.err.write(`Nothing with GGUF files matches "${query}" on ${endpoint}.\n`);
    return;
  }
  say(models, table(columns(now), models));
}

async function finderFor({ server, ...door }: DoorOptions, { endpoint }: SearchOptions): Promise<Finder> {
  if (server === undefined) {
    const { hubFinder } = await import('../finder.ts');
    return hubFinder(endpoint);
  }
  if (endpoint !== undefined) {
    throw new CliError(
      exitCodes.usage,
      'A gateway searches the hub of its own settings: --endpoint is for a search without --server.',
    );
  }
  const { gatewayFinder } = await import('../gateway/finder.ts');
  return gatewayFinder({ ...door, server });
}

const columns = (now: Date): Column<FoundModel>[] => [
  { header: 'NAME', of: ({ name }) => name },
  { header: 'DOWNLOADS', of: ({ downloads }) => downloads },
  { header: 'LIKES', of: ({ likes }) => likes },
  { header: 'LICENSE', of: ({ license }) => license },
  { header: 'GATED', of: ({ isGated }) => (isGated ? 'yes' : 'no') },
  { header: 'UPDATED', of: ({ updatedAt }) => formatAge(updatedAt.toISOString(), now) },
];

function quantizationsOf(self: string, { name, quantizations }: Repository): string {
  if (quantizations.length === 0) return 'It has no GGUF model: no server can load it.';
  const pull = ({ quantization }: FoundQuantization): string =>
    `${self} pull ${name}${quantization === undefined ? '' : `:${quantization}`} --source huggingface`;
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
