import { lstat, open, readdir, readlink, rmdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { announcedFolder, binsFolder, indexFolder, type References } from './references.ts';
import { Unpacked, unpackedFolder } from './unpacked.ts';
import { hasCode, names, unlessMissing } from './volume.ts';

/** Where a collection puts what it removes. Only while it is there can anything be removed. */
export interface Bin {
  /** When the collection began, by the clock that the volume stamps its files with. */
  readonly openedAt: number;
  /**
   * Removes a file or a folder, which is one rename into the bin.
   * @param inode Of the file that was looked at, where others may have put another one in its place.
   * @returns whether it was removed. @throws Error when a pull was announced meanwhile, and nothing may be removed any more.
   */
  take(path: string, inode?: number): Promise<boolean>;
}

/** One collection. */
export interface Sweep {
  readonly root: string;
  readonly references: References;
  readonly bin: Bin;
  readonly graceMs: number;
  readonly total: { freedBytes: number; removedBlobs: number };
  /** Of removed blobs that had further names, which a volume without symbolic links has in place of these. */
  readonly removedInodes: Set<number>;
}

/** A download that nobody went on with, though a pull once announced it. */
const abandonedMs = 7 * 24 * 3_600_000;
/** A file that was being written when its process was killed. */
const leftoverMs = 3_600_000;
const leftoverName = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** No manifest and no ref is larger. */
const mostRecordBytes = 4 << 20;
const blobName = /^sha256-([0-9a-f]{64})$/;
/** What has no links to blobs in it. The rest are the folders that sources choose. */
const foldersOfOurs = new Set([
  'blobs',
  '.partial',
  announcedFolder,
  binsFolder,
  indexFolder,
  'manifests',
  unpackedFolder,
  'lost+found',
]);

/** Unfinished downloads: those that no pull announces after the grace, the others when nobody goes on with them. */
export async function sweepPartials({ root, references, bin, graceMs, total }: Sweep): Promise<void> {
  const partials = join(root, '.partial');
  for (const hex of await names(partials)) {
    const partial = join(partials, hex);
    const isLeftover = hex.startsWith('.');
    const limit = isLeftover ? leftoverMs : references.announced.has(hex) ? abandonedMs : graceMs;
    for (const folder of isLeftover ? [partial] : (await names(partial)).map((name) => join(partial, name))) {
      const { bytes, changedAt } = await contentOf(folder);
      if (bin.openedAt - changedAt < limit) continue;
      if (await bin.take(folder)) total.freedBytes += bytes;
    }
    if (!isLeftover) await rmdir(partial).catch(() => {});
  }
}

/** The bytes on the disk, and when the last file was written, or the folder itself. */
async function contentOf(folder: string): Promise<{ bytes: number; changedAt: number }> {
  const paths = [folder, ...(await names(folder)).map((name) => join(folder, name))];
  const found = await Promise.all(paths.map((path) => unlessMissing(stat(path))));
  const stats = found.filter((each) => each !== undefined);
  const files = stats.filter((each) => each.isFile());
  return {
    bytes: files.reduce((sum, { blocks }) => sum + blocks * 512, 0),
    changedAt: Math.max(0, ...(files.length > 0 ? files : stats).map(({ mtimeMs }) => mtimeMs)),
  };
}

/** @returns how many blobs stay. */
export async function sweepBlobs(sweep: Sweep): Promise<number> {
  const { root, references, bin, graceMs, total, removedInodes } = sweep;
  let kept = 0;
  for (const name of await names(join(root, 'blobs'))) {
    const [, sha256] = blobName.exec(name) ?? [];
    if (sha256 === undefined) continue;
    const path = join(root, 'blobs', name);
    const blob = references.used.has(sha256) ? undefined : await unlessMissing(stat(path));
    // A rename counts as a change of the file, so this is since it became a blob.
    if (blob === undefined || bin.openedAt - blob.ctimeMs < graceMs || !(await bin.take(path))) {
      kept += 1;
      continue;
    }
    total.freedBytes += blob.size;
    total.removedBlobs += 1;
    if (blob.nlink > 1) removedInodes.add(blob.ino);
  }
  return kept;
}

/** Links to blobs that are gone, and the folders that held nothing else. */
export async function sweepLinks({ root, references, bin, removedInodes }: Sweep): Promise<void> {
  for (const folder of await foldersOfSources(root)) {
    for await (const { path, isLink, isFile } of entriesBelow(folder)) {
      if (isLink) {
        const sha256 = await linkedBlob(root, path);
        if (sha256 === undefined || (await isHere(root, sha256, references))) continue;
      } else if (!isFile || !removedInodes.has((await unlessMissing(stat(path)))?.ino ?? -1)) continue;
      if (await bin.take(path)) await prune(dirname(path), root);
    }
  }
}

async function foldersOfSources(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !foldersOfOurs.has(entry.name))
    .map(({ name }) => join(root, name));
}

async function linkedBlob(root: string, path: string): Promise<string | undefined> {
  const target = join(dirname(path), (await unlessMissing(readlink(path))) ?? '');
  const blobs = join(root, 'blobs/');
  return target.startsWith(blobs) ? blobName.exec(target.slice(blobs.length))?.[1] : undefined;
}

async function isHere(root: string, sha256: string, { used }: References): Promise<boolean> {
  return (
    used.has(sha256) || (await unlessMissing(stat(join(root, 'blobs', `sha256-${sha256}`)))) !== undefined
  );
}

const Manifest = z.object({
  config: z.object({ digest: z.string() }),
  layers: z.array(z.object({ digest: z.string() })),
});

/** Manifests of Ollama that name blobs which are gone: it would list the model, and fail to load it. */
export async function sweepManifests({ root, references, bin }: Sweep): Promise<void> {
  for await (const { path, isFile } of entriesBelow(join(root, 'manifests'))) {
    const found = isFile ? await readSmall(path) : undefined;
    if (found === undefined) continue;
    const { data } = Manifest.safeParse(jsonOf(found.text));
    const digests = data && [data.config, ...data.layers].map(({ digest }) => digest.replace('sha256:', ''));
    const whole = await Promise.all((digests ?? []).map((sha256) => isHere(root, sha256, references)));
    if (whole.includes(false) && (await bin.take(path, found.inode))) await prune(dirname(path), root);
  }
}

/** What archives were unpacked to, where no file of it is here any more: it would only be unpacked again. */
export async function sweepUnpacked({ root, references, bin }: Sweep): Promise<void> {
  for await (const { path, isFile, name } of entriesBelow(join(root, unpackedFolder))) {
    const found = isFile && !leftoverName.test(name) ? await readSmall(path) : undefined;
    if (found === undefined) continue;
    const { data } = Unpacked.safeParse(jsonOf(found.text));
    const here = await Promise.all((data?.files ?? []).map(({ sha256 }) => isHere(root, sha256, references)));
    if (!here.includes(true) && (await bin.take(path, found.inode))) await prune(dirname(path), root);
  }
}

/** Branches and tags of a cache of huggingface_hub whose commit is gone. */
export async function sweepRefs({ root, bin }: Sweep): Promise<void> {
  for (const repo of await names(join(root, 'hub'))) {
    const folder = join(root, 'hub', repo);
    for await (const { path, isFile } of entriesBelow(join(folder, 'refs'))) {
      const found = isFile ? await readSmall(path) : undefined;
      if (found === undefined || !/^[0-9a-f]{40}$/.test(found.text)) continue;
      const snapshot = await unlessMissing(stat(join(folder, 'snapshots', found.text)));
      if (snapshot === undefined && (await bin.take(path, found.inode))) await prune(dirname(path), root);
    }
  }
}

/** Files that were being written when their process was killed. */
export async function sweepLeftovers({ root, bin }: Sweep): Promise<void> {
  const ours = [announcedFolder, indexFolder, 'manifests', unpackedFolder].map((name) => join(root, name));
  for (const folder of [...ours, ...(await foldersOfSources(root))]) {
    for await (const { path, name } of entriesBelow(folder)) {
      if (!leftoverName.test(name)) continue;
      const { mtimeMs } = (await unlessMissing(lstat(path))) ?? { mtimeMs: bin.openedAt };
      if (bin.openedAt - mtimeMs >= leftoverMs) await bin.take(path);
    }
  }
}

async function readSmall(path: string): Promise<{ text: string; inode: number } | undefined> {
  const file = await unlessMissing(open(path, 'r'));
  if (file === undefined) return undefined;
  try {
    const { ino: inode, size } = await file.stat();
    return size > mostRecordBytes ? undefined : { text: await file.readFile('utf8'), inode };
  } finally {
    await file.close();
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Entry {
  readonly path: string;
  readonly name: string;
  readonly isLink: boolean;
  readonly isFile: boolean;
}

/** Everything below a folder but folders, as far as it may be looked at. */
async function* entriesBelow(folder: string): AsyncGenerator<Entry> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM')) return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* entriesBelow(path);
    else yield { path, name: entry.name, isLink: entry.isSymbolicLink(), isFile: entry.isFile() };
  }
}

/** Removes folders that are empty now. A pull that is about to put something into one makes it again. */
async function prune(folder: string, root: string): Promise<void> {
  for (let each = folder; each !== root; each = dirname(each)) {
    try {
      await rmdir(each);
    } catch {
      return;
    }
  }
}
