import { listFiles, listModels, modelInfo } from '@huggingface/hub';
import type { SearchOrder } from '../../api/choices.ts';
import { pieceInName, quantizationInName } from '../../gguf/quantization.ts';
import { isModel } from '../select-files.ts';

/** How a hub is asked: `fetch` puts a token on, where there is one. */
export interface Hub {
  /** Without a slash at its end. */
  endpoint: string;
  fetch: typeof fetch;
}

/** A repository as a hub lists it. */
export interface FoundModel {
  /** owner/name */
  name: string;
  /** Of the last 30 days. */
  downloads: number;
  likes: number;
  /** E.g. `apache-2.0`, as its card says. */
  license: string | undefined;
  /** Whether its files have to be asked for. */
  isGated: boolean;
  updatedAt: Date;
}

export interface FoundQuantization {
  /** E.g. `Q4_K_M`; undefined for files whose names carry none. */
  quantization: string | undefined;
  /** The first of its files. */
  path: string;
  /** Of all its pieces together. */
  sizeBytes: number;
}

const additionalFields = ['tags'] as const;

/** The hub's own words. */
const orders = { downloads: 'downloads', likes: 'likes', updated: 'lastModified' } as const satisfies Record<
  SearchOrder,
  string
>;

/** What else is wanted of a repository. */
export interface SearchFilters {
  /** A user or an organisation. */
  author?: string | undefined;
  /** As its card has it, e.g. `apache-2.0`. */
  license?: string | undefined;
  /** Default: downloads. */
  sort?: SearchOrder | undefined;
}

/** Repositories with GGUF files whose names match the query, the most of `sort` first, `limit` at most. */
export async function searchModels(
  hub: Hub,
  query: string,
  limit: number,
  { author, license, sort = 'downloads' }: SearchFilters = {},
): Promise<FoundModel[]> {
  const found: FoundModel[] = [];
  const models = listModels({
    search: {
      query,
      tags: ['gguf', ...(license === undefined ? [] : [`license:${license.toLowerCase()}`])],
      ...(author !== undefined && { owner: author }),
    },
    sort: orders[sort],
    limit,
    additionalFields: [...additionalFields],
    hubUrl: hub.endpoint,
    fetch: hub.fetch,
  });
  for await (const { name, downloads, likes, gated, updatedAt, tags } of models) {
    found.push({ name, downloads, likes, license: licenseOf(tags), isGated: gated !== false, updatedAt });
  }
  return found;
}

/** A repository and the GGUF models that are in it, by quantization, the smallest first. */
export async function inspectRepository(
  hub: Hub,
  repo: string,
): Promise<FoundModel & { quantizations: FoundQuantization[] }> {
  const asked = { hubUrl: hub.endpoint, fetch: hub.fetch };
  const info = await modelInfo({ name: repo, additionalFields: [...additionalFields], ...asked });
  const { name, downloads, likes, gated, updatedAt, tags } = info;
  const models = new Map<string, FoundQuantization>();
  for await (const { type, path, size } of listFiles({ repo, recursive: true, ...asked })) {
    if (type !== 'file' || !isModel(path)) continue;
    const key = pieceInName(path)?.model ?? path;
    const before = models.get(key);
    if (before) before.sizeBytes += size;
    else models.set(key, { quantization: quantizationInName(path), path, sizeBytes: size });
  }
  return {
    name,
    downloads,
    likes,
    license: licenseOf(tags),
    isGated: gated !== false,
    updatedAt,
    quantizations: [...models.values()].toSorted((a, b) => a.sizeBytes - b.sizeBytes),
  };
}

function licenseOf(tags: readonly string[] = []): string | undefined {
  return tags.find((tag) => tag.startsWith('license:'))?.slice('license:'.length);
}
