import { randomUUID } from 'node:crypto';
import {
  link,
  mkdir,
  open,
  readdir,
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
import { isSafePath } from '../../sources/repo-path.ts';
import type { SourceFile, VolumeRecord } from '../../sources/source.ts';

/**
 * The layout of a volume. `hub/` is a cache of huggingface_hub, so that programs find the files with
 * `HF_HUB_CACHE=<volume>/hub`; `blobs/` and `manifests/` are a store of Ollama, for `OLLAMA_MODELS=<volume>`.
 *
 *     blobs/sha256-<hex>                             verified and never written again
 *     .partial/<hex>/<owner>/{data,journal.json}     unfinished downloads, and whose they are (tenure.ts)
 *     hub/models--owner--name/refs/<ref>             the commit of a branch or tag, without a line break
 *     hub/models--owner--name/snapshots/<commit>/…   relative links to blobs
 *     manifests/<host>/<namespace>/<name>/<tag>      the manifest of a model of an Ollama registry
 *     ollama/<host>/<namespace>/<name>/<digest>/…    relative links to its blobs
 *     oci/<host>/<repository>/<digest>/…             relative links to the blobs of an artifact of a registry
 *     unpacked/sha256-<hex>.json                     which blobs an archive was unpacked to that is here no more
 *     http/<sha256 of the list>/…                    relative links to the blobs of files by URL
 *     index/<uid>/<digest>.json                      what a Model uses; written last, so it means "complete"
 *     .pulling/<uid>.json                            what a running pull needs (references.ts)
 *     .collecting/<id>/…                             what a collection is about to remove (collect.ts)
 */
export interface Volume {
  readonly root: string;
  blobPath(sha256: string): string;
  partialFolder(file: SourceFile): string;
  /** What a published blob is as a file; undefined where there is none. */
  blobFile(sha256: string): Promise<{ size: number; ino: number } | undefined>;
  /** The sha256 that the folder's link names; undefined where there is no such link. */
  linkedBlob(folder: string, path: string): Promise<string | undefined>;
  /** Makes a finished file a blob, atomically. The file must have been synced. */
  publishBlob(from: string, sha256: string): Promise<void>;
  /** Takes a blob away that was found to be damaged, unless it is another file by now. @param into A folder of the caller's own. */
  discardBlob(sha256: string, inode: number, into: string): Promise<void>;
  /** Makes a blob appear at a path below a folder. */
  linkBlob(sha256: string, folder: string, path: string): Promise<void>;
  writeRecord(record: VolumeRecord): Promise<void>;
  /** Undefined where there is no such record. */
  readRecord(path: string): Promise<string | undefined>;
  /** Bytes that may still be written. */
  freeBytes(): Promise<number>;
}

/** File systems need a little for names and journals. */
export const headroomBytes = 1 << 20;

export function openVolume(root: string): Volume {
  const blobPath = (sha256: string): string => join(root, 'blobs', `sha256-${sha256}`);

  return {
    root,
    blobPath,
    partialFolder: ({ digest }) => join(root, '.partial', digest.hex),
    blobFile: (sha256) => unlessMissing(stat(blobPath(sha256))),
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
    async discardBlob(sha256, inode, into) {
      const aside = join(into, 'damaged');
      const blob = await unlessMissing(rename(blobPath(sha256), aside).then(() => stat(aside)));
      if (blob === undefined) return;
      if (blob.ino === inode) await rm(aside);
      else await rename(aside, blobPath(sha256));
    },
    async linkBlob(sha256, folder, path) {
      const at = join(root, folder, path);
      const to = blobPath(sha256);
      if ((await readlink(at).catch(() => undefined)) === relative(dirname(at), to)) return;
      await inFolder(dirname(at), async (fresh) => {
        try {
          await symlink(relative(dirname(at), to), fresh);
        } catch (error) {
          if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS')) throw error;
          await link(to, fresh);
        }
        await rename(fresh, at);
      });
    },
    async writeRecord({ path, content }) {
      if (!isSafePath(path)) throw new Error(`${path} cannot be a path on a volume`);
      await replaceFile(join(root, path), content);
    },
    readRecord: (path) => unlessMissing(readFile(join(root, path), 'utf8')),
    async freeBytes() {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
}

/** Writes a small file so that readers see the old or the new content, also after a crash. */
export async function replaceFile(path: string, content: string): Promise<void> {
  if ((await unlessMissing(readFile(path, 'utf8'))) === content) return;
  await inFolder(dirname(path), async (fresh) => {
    await writeFile(fresh, content, { flush: true, mode: 0o644 });
    await rename(fresh, path);
  });
}

/** A collection may remove an empty folder before there is something in it. */
const mostVanishedFolders = 5;

/** Has something made in a folder, first under a name that nobody else uses. */
async function inFolder(folder: string, make: (fresh: string) => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const fresh = join(folder, `.${randomUUID()}`);
    await mkdir(folder, { recursive: true });
    try {
      await make(fresh);
      await syncFolder(folder);
      return;
    } catch (error) {
      await rm(fresh, { force: true });
      if (attempt === mostVanishedFolders || !hasCode(error, 'ENOENT')) throw error;
    }
  }
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

/** What a folder has in it; nothing where there is none. */
export async function names(folder: string): Promise<string[]> {
  return (await unlessMissing(readdir(folder))) ?? [];
}

export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
