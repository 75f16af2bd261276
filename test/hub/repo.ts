/** What a repository on the hub holds: commits made of git blobs, large ones stored the Git LFS way. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

/**
 * Bytes in memory, or a file on disk, which is streamed, never read whole, and always stored with LFS. `sha256`
 * (hex) saves hashing it.
 */
export type Content = string | Uint8Array | { file: string; sha256?: string };

export type Repo = {
  /** owner/name */
  id: string;
  /** Contents by path inside the repository. */
  files: Record<string, Content>;
  private?: boolean;
  gated?: false | 'auto' | 'manual';
  /** The tokens that may read a private or gated repository. */
  access?: string[];
  /** Names it had before it was renamed: they redirect. */
  formerIds?: string[];
  /** Git tags put on the first commit. */
  gitTags?: string[];
  downloads?: number;
  likes?: number;
};

/** A change for updateRepo: `null` deletes a file. */
export type Change = { files: Record<string, Content | null>; title?: string; gitTag?: string };

export type Lfs = { oid: string; size: number; pointerSize: number };
export type CommitMark = { id: string; title: string; date: string };

export type Entry = {
  path: string;
  size: number;
  /** Git blob id; that of the pointer when the file is stored with LFS. */
  oid: string;
  lfs?: Lfs;
  content: Uint8Array | { file: string };
  lastCommit: CommitMark;
};

export type Commit = CommitMark & { entries: Map<string, Entry>; card: Record<string, unknown> };

export type StoredRepo = Omit<Repo, 'files' | 'gitTags' | 'access'> & {
  access: Set<string>;
  commits: Map<string, Commit>;
  /** Commit ids by branch or tag. */
  refs: Map<string, string>;
};

/** Above this size git itself refuses a file on the hub, so it is stored with LFS whatever its name. */
const lfsAbove = 10 * 1024 * 1024;
const lfsNames = /\.(gguf|safetensors|bin|onnx|pt|pth)$/;
const firstCommit = Date.UTC(2026, 0, 1);

export function gitBlobId(content: Uint8Array): string {
  return createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex');
}

/** https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md */
export function lfsPointer(lfs: { oid: string; size: number }): Buffer {
  return Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${lfs.oid}\nsize ${lfs.size}\n`);
}

/** A repository with its first commit on `main`. */
export async function storeRepo(repo: Repo): Promise<StoredRepo> {
  const { files, gitTags = [], access = [], ...rest } = repo;
  const stored: StoredRepo = { ...rest, access: new Set(access), commits: new Map(), refs: new Map() };
  const sha = await commit(stored, { files, title: 'initial commit' });
  for (const tag of gitTags) stored.refs.set(tag, sha);
  return stored;
}

/** Moves `main` on; the same contents in the same order give the same commit ids on every machine. */
export async function commit(repo: StoredRepo, change: Change): Promise<string> {
  const parent = headCommit(repo);
  const entries = new Map(parent?.entries);
  const mark: CommitMark = {
    id: '',
    title: change.title ?? `Update ${Object.keys(change.files).join(', ')}`,
    date: new Date(firstCommit + repo.commits.size * 60_000).toISOString(),
  };
  for (const [path, content] of Object.entries(change.files)) {
    if (content === null) entries.delete(path);
    else entries.set(path, { ...(await blob(path, content)), lastCommit: mark });
  }
  const hash = createHash('sha1').update(`${repo.id}\0${parent?.id ?? ''}\0${mark.title}\0`);
  for (const path of [...entries.keys()].sort()) hash.update(`${path}\0${entries.get(path)?.oid}\0`);
  mark.id = hash.digest('hex');
  repo.commits.set(mark.id, { ...mark, entries, card: readCard(entries.get('README.md')) });
  repo.refs.set('main', mark.id);
  if (change.gitTag !== undefined) repo.refs.set(change.gitTag, mark.id);
  return mark.id;
}

function headCommit(repo: StoredRepo): Commit | undefined {
  return findCommit(repo, 'main');
}

/** A branch, a tag, `HEAD`, or a whole commit id; the real hub knows no short ones either. */
export function findCommit(repo: StoredRepo, revision: string): Commit | undefined {
  const id = repo.refs.get(revision === 'HEAD' ? 'main' : revision) ?? revision;
  return repo.commits.get(id);
}

async function blob(path: string, given: Content): Promise<Omit<Entry, 'lastCommit'>> {
  const content = typeof given === 'string' ? Buffer.from(given) : given;
  const inMemory = content instanceof Uint8Array;
  const size = inMemory ? content.byteLength : (await stat(content.file)).size;
  if (inMemory && size <= lfsAbove && !lfsNames.test(path))
    return { path, size, oid: gitBlobId(content), content };
  const oid = await sha256(content);
  const pointer = lfsPointer({ oid, size });
  return {
    path,
    size,
    oid: gitBlobId(pointer),
    lfs: { oid, size, pointerSize: pointer.byteLength },
    content,
  };
}

async function sha256(content: Uint8Array | { file: string; sha256?: string }): Promise<string> {
  const hash = createHash('sha256');
  if (content instanceof Uint8Array) return hash.update(content).digest('hex');
  if (content.sha256 !== undefined) return content.sha256;
  const blocks: AsyncIterable<Buffer> = createReadStream(content.file, { highWaterMark: 1 << 20 });
  for await (const block of blocks) hash.update(block);
  return hash.digest('hex');
}

/** The model card's front matter, what the API gives as `cardData`. */
function readCard(readme: Entry | undefined): Record<string, unknown> {
  if (!(readme?.content instanceof Uint8Array)) return {};
  const matter = /^---\n(.*?)\n---\n/s.exec(Buffer.from(readme.content).toString('utf8'));
  return z.record(z.string(), z.unknown()).parse(matter?.[1] === undefined ? {} : parse(matter[1]));
}
