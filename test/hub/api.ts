/** What the hub's metadata API says of a repository. https://huggingface.co/docs/hub/api */
import { createHash } from 'node:crypto';
import { findCommit } from './repo.ts';
import type { Commit, Entry, StoredRepo } from './repo.ts';

type Fields = Record<string, unknown>;

/** ApiModelInfo. With `expand`, `_id`, `id` and the named fields only, as the hub answers. */
export function modelInfo(repo: StoredRepo, commit: Commit, query: URLSearchParams): Fields {
  const blobs = query.get('blobs') === 'true' || query.get('blobs') === '1';
  const identity = { _id: createHash('sha1').update(repo.id).digest('hex').slice(0, 24), id: repo.id };
  const rest: Fields = {
    modelId: repo.id,
    author: repo.id.split('/')[0],
    sha: commit.id,
    lastModified: commit.date,
    createdAt: [...repo.commits.values()][0]?.date,
    private: repo.private ?? false,
    gated: repo.gated ?? false,
    disabled: false,
    tags: labels(commit),
    pipeline_tag: commit.card['pipeline_tag'],
    library_name: commit.card['library_name'],
    downloads: repo.downloads ?? 0,
    likes: repo.likes ?? 0,
    cardData: commit.card,
    siblings: sorted(commit).map((entry) => ({
      rfilename: entry.path,
      ...(blobs && { size: entry.size, blobId: entry.oid }),
      ...(blobs &&
        entry.lfs && {
          lfs: { sha256: entry.lfs.oid, size: entry.size, pointerSize: entry.lfs.pointerSize },
        }),
    })),
  };
  const expand = query.getAll('expand');
  if (expand.length === 0) return { ...identity, ...rest };
  return {
    ...identity,
    ...Object.fromEntries(Object.entries(rest).filter(([name]) => expand.includes(name))),
  };
}

/** Repositories that carry all labels of the query, sorted and limited as it says; each as `modelInfo` has it. */
export function modelList(repos: Iterable<StoredRepo>, query: URLSearchParams): Fields[] {
  const wanted = query.getAll('filter').flatMap((filter) => filter.split(','));
  const words = query.get('search')?.toLowerCase() ?? '';
  const author = query.get('author')?.toLowerCase();
  const found = [...repos].flatMap((repo) => {
    if (!repo.id.toLowerCase().includes(words)) return [];
    if (author !== undefined && repo.id.toLowerCase().split('/')[0] !== author) return [];
    const commit = findCommit(repo, 'main');
    const carried = commit === undefined ? [] : labels(commit);
    return commit !== undefined && wanted.every((label) => carried.includes(label)) ? [{ repo, commit }] : [];
  });
  const sort = query.get('sort');
  if (sort === 'downloads' || sort === 'likes')
    found.sort((a, b) => (b.repo[sort] ?? 0) - (a.repo[sort] ?? 0));
  const limit = Number(query.get('limit') ?? 1000) || 1000;
  return found.slice(0, limit).map(({ repo, commit }) => modelInfo(repo, commit, query));
}

function labels({ entries, card }: Commit): string[] {
  const formats = ['gguf', 'safetensors'].filter((format) =>
    [...entries.keys()].some((path) => path.endsWith(`.${format}`)),
  );
  const { license, base_model: base } = card;
  const bases = [base].flat().filter((one) => typeof one === 'string');
  return [
    ...formats,
    ...(typeof license === 'string' ? [`license:${license}`] : []),
    ...bases.map((one) => `base_model:${one}`),
    // The hub takes a GGUF file for a quantization of the model that the card names.
    ...(formats.includes('gguf') ? bases.map((one) => `base_model:quantized:${one}`) : []),
    'region:us',
  ];
}

/** An entry of `tree` and of `paths-info`. */
export function fileInfo(entry: Entry, expand: boolean): Fields {
  return {
    type: 'file',
    oid: entry.oid,
    size: entry.size,
    path: entry.path,
    ...(entry.lfs && { lfs: entry.lfs }),
    ...(expand && { lastCommit: entry.lastCommit }),
  };
}

export type TreePage = {
  items: Fields[];
  /** Cursor of the page after this one. */ next: string | undefined;
};

/** One page of a listing; undefined when the folder is not there. */
export function tree(
  commit: Commit,
  folder: string,
  query: URLSearchParams,
  pageSize: number,
): TreePage | undefined {
  const prefix = folder === '' ? '' : `${folder}/`;
  const inside = sorted(commit).filter((entry) => entry.path.startsWith(prefix));
  if (inside.length === 0 && folder !== '') return undefined;
  const recursive = isTrue(query.get('recursive'));
  const expand = isTrue(query.get('expand'));
  const folders = new Map<string, Entry[]>();
  const files: Fields[] = [];
  for (const entry of inside) {
    const names = entry.path.slice(prefix.length).split('/').slice(0, -1);
    const depth = recursive ? names.length : Math.min(1, names.length);
    for (let i = 1; i <= depth; i += 1) {
      const path = prefix + names.slice(0, i).join('/');
      folders.set(path, [...(folders.get(path) ?? []), entry]);
    }
    if (recursive || names.length === 0) files.push(fileInfo(entry, expand));
  }
  const items = [...[...folders].map(([path, entries]) => folderInfo(path, entries)), ...files];
  const limit = Math.max(1, Math.min(pageSize, Number(query.get('limit') ?? pageSize) || pageSize));
  const start = Number(Buffer.from(query.get('cursor') ?? '', 'base64url').toString() || 0);
  const end = start + limit;
  const next = end < items.length ? Buffer.from(String(end)).toString('base64url') : undefined;
  return { items: items.slice(start, end), next };
}

export function folderInfo(path: string, entries: Entry[]): Fields {
  const oid = createHash('sha1').update(entries.map((entry) => `${entry.path}\0${entry.oid}\0`).join(''));
  return { type: 'directory', oid: oid.digest('hex'), size: 0, path };
}

/** What a token is, to the one who shows it. */
export function whoami(token: string): Fields {
  return {
    type: 'user',
    id: createHash('sha1').update(token).digest('hex').slice(0, 24),
    name: 'tester',
    fullname: 'A tester',
    email: 'tester@example.com',
    emailVerified: true,
    isPro: false,
    canPay: false,
    billingMode: 'prepaid',
    periodEnd: null,
    avatarUrl: '/avatars/tester.svg',
    orgs: [],
    auth: {
      type: 'access_token',
      accessToken: { displayName: 'test', role: 'read', createdAt: '2026-01-01T00:00:00.000Z' },
    },
  };
}

export function isTrue(value: unknown): boolean {
  return value === true || value === 'true' || value === 'True' || value === '1';
}

function sorted(commit: Commit): Entry[] {
  return [...commit.entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
