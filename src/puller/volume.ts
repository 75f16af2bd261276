import { randomUUID } from 'node:crypto';
import {
  link,
  mkdir,
  open,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  statfs,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Publication } from '../protocols/puller.ts';
import { isSafePath } from '../sources/repo-path.ts';
import type { SourceFile, VolumeRecord } from '../sources/source.ts';

/**
 * The layout of a volume. `hub/` is a cache of huggingface_hub, so that programs find the files with
 * `HF_HUB_CACHE=<volume>/hub`; `blobs/` and `manifests/` are a store of Ollama, for `OLLAMA_MODELS=<volume>`.
 *
 *     blobs/sha256-<hex>                             verified and never written again
 *     .partial/<hex>/{data,journal.json}             unfinished downloads
 *     hub/models--owner--name/refs/<ref>             the commit of a branch or tag, without a line break
 *     hub/models--owner--name/snapshots/<commit>/…   relative links to blobs
 *     manifests/<host>/<namespace>/<name>/<tag>      the manifest of a model of an Ollama registry
 *     ollama/<host>/<namespace>/<name>/<digest>/…    relative links to its blobs
 *     index/<uid>.json                               what a Model uses; written last, so it means "complete"
 */
export interface Volume {
  readonly root: string;
  blobPath(sha256: string): string;
  partialFolder(file: SourceFile): string;
  /** Size of a published blob; undefined where there is none. */
  blobSize(sha256: string): Promise<number | undefined>;
  /** The sha256 that the folder's link names; undefined where there is no such link. */
  linkedBlob(folder: string, path: string): Promise<string | undefined>;
  /** Makes a finished file a blob, atomically. The file must have been synced. */
  publishBlob(from: string, sha256: string): Promise<void>;
  removeBlob(sha256: string): Promise<void>;
  /** Makes a blob appear at a path below a folder. */
  linkBlob(sha256: string, folder: string, path: string): Promise<void>;
  writeRecord(record: VolumeRecord): Promise<void>;
  writeIndex(modelUid: string, record: IndexRecord): Promise<void>;
  /** Bytes that may still be written. */
  freeBytes(): Promise<number>;
}

/** What a Model uses on the volume, for collecting what none uses. */
export interface IndexRecord extends Publication {
  readonly version: 1;
  readonly modelUid: string;
  readonly source: string;
}

export function openVolume(root: string): Volume {
  const blobPath = (sha256: string): string => join(root, 'blobs', `sha256-${sha256}`);

  return {
    root,
    blobPath,
    partialFolder: ({ digest }) => join(root, '.partial', digest.hex),
    async blobSize(sha256) {
      return (await unlessMissing(stat(blobPath(sha256))))?.size;
    },
    async linkedBlob(folder, path) {
      const target = await readlink(join(root, folder, path)).catch(() => '');
      return /^sha256-([0-9a-f]{64})$/.exec(basename(target))?.[1];
    },
    async publishBlob(from, sha256) {
      const to = blobPath(sha256);
      await mkdir(dirname(to), { recursive: true });
      const file = await open(from, 'r');
      try {
        await file.chmod(0o444);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(from, to);
      await syncFolder(dirname(to));
    },
    removeBlob: (sha256) => rm(blobPath(sha256), { force: true }),
    async linkBlob(sha256, folder, path) {
      const at = join(root, folder, path);
      const to = blobPath(sha256);
      await mkdir(dirname(at), { recursive: true });
      if ((await readlink(at).catch(() => undefined)) === relative(dirname(at), to)) return;
      const fresh = join(dirname(at), `.${randomUUID()}`);
      try {
        await symlink(relative(dirname(at), to), fresh);
      } catch (error) {
        if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
        await link(to, fresh);
      }
      await rename(fresh, at);
      await syncFolder(dirname(at));
    },
    async writeRecord({ path, content }) {
      if (!isSafePath(path)) throw new Error(`${path} cannot be a path on a volume`);
      await replaceFile(join(root, path), content);
    },
    async writeIndex(modelUid, record) {
      await replaceFile(join(root, 'index', `${modelUid}.json`), `${JSON.stringify(record, undefined, 2)}\n`);
    },
    async freeBytes() {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
}

/** Writes a small file so that readers see the old or the new content, also after a crash. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if ((await unlessMissing(readFile(path, 'utf8'))) === content) return;
  const fresh = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await writeFile(fresh, content, { flush: true, mode: 0o644 });
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Makes renames in a folder survive a crash. Network file systems refuse this and need none of it. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } catch (error) {
    if (!hasCode(error, 'EINVAL', 'EPERM', 'EACCES', 'EISDIR', 'EBADF', 'ENOTSUP')) throw error;
  } finally {
    await folder.close();
  }
}

/** The result, or undefined where the file does not exist. */
export async function unlessMissing<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
