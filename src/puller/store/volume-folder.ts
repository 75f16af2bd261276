import { createHash } from 'node:crypto';
import { access, constants, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { VolumeSource } from '../../api/source.ts';
import { pieceInName } from '../../gguf/quantization.ts';
import { isPattern, matchesPattern } from '../../sources/file-pattern.ts';
import { closeNames, listed } from '../../sources/names.ts';
import { isSafePath } from '../../sources/repo-path.ts';
import { isGguf } from '../../sources/select-files.ts';
import { SourceError } from '../../sources/source.ts';
import { hasCode, unlessMissing } from './volume.ts';

export interface FileInPlace {
  /** Relative to the folder that the spec names. */
  readonly path: string;
  /** The file itself, behind any links. */
  readonly at: string;
  readonly sizeBytes: number;
  /** When its content was last changed, in nanoseconds. */
  readonly changedAt: bigint;
}

/** More than a model has; a folder that has more is somebody's home. */
const mostFiles = 10_000;

/**
 * The files of a folder that a spec asks for: what `files` matches, in that order, or every GGUF file; a piece of a
 * split model brings the others.
 * @throws SourceError FileNotFound, NoModelFile, VolumeNotReadable.
 */
export async function listFolder({
  root,
  spec,
}: {
  root: string;
  spec: VolumeSource;
}): Promise<FileInPlace[]> {
  const what = `spec.source.volume.path ${spec.path ?? '(the root)'} on the claim ${spec.claimName}`;
  const volume = await realpath(root);
  const folder = await inside(volume, join(root, spec.path ?? ''), what);
  const info = await stat(folder);
  if (!info.isDirectory()) {
    throw new SourceError(
      'FileNotFound',
      `${what} is a file. Name its folder in spec.source.volume.path, and the file in spec.source.volume.files.`,
    );
  }
  const all = await orUnreadable(pathsBelow(folder));
  const chosen = choose(all, spec.files, what);
  return Promise.all(
    chosen.map(async (path) => {
      const at = await inside(volume, join(folder, path), `${path} in ${what}`);
      await orUnreadable(access(at, constants.R_OK));
      const { size, mtimeNs } = await stat(at, { bigint: true });
      return { path, at, sizeBytes: Number(size), changedAt: mtimeNs };
    }),
  );
}

/** Where a path leads, if that is on the volume: servers have nothing else. */
async function inside(volume: string, path: string, what: string): Promise<string> {
  const at = await orUnreadable(unlessMissing(realpath(path)));
  if (at === undefined) {
    throw new SourceError('FileNotFound', `There is no ${what}, or it is a link to what is not there.`);
  }
  if (at === volume || at.startsWith(volume + sep)) return at;
  throw new SourceError(
    'FileNotFound',
    `${what} is a link that leads out of the volume, where no server can follow it. Put the files themselves there.`,
  );
}

/** Files and links to files, by their paths below the folder; hidden ones are nobody's model. */
async function pathsBelow(folder: string): Promise<string[]> {
  const paths: string[] = [];
  const folders = [''];
  for (let below = folders.pop(); below !== undefined; below = folders.pop()) {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = join(below, entry.name);
      if (!isSafePath(path) || path === 'lost+found') continue;
      if (entry.isDirectory()) folders.push(path);
      else if (entry.isFile() || entry.isSymbolicLink()) paths.push(path);
      if (paths.length > mostFiles) {
        throw new SourceError(
          'AmbiguousFiles',
          `${folder} has more than ${mostFiles} files. Name the folder of the model in spec.source.volume.path.`,
        );
      }
    }
  }
  return paths.sort();
}

function choose(all: readonly string[], wanted: readonly string[] | undefined, what: string): string[] {
  const named =
    wanted === undefined ? all.filter(isGguf) : wanted.flatMap((name) => matching(all, name, what));
  if (!named.some(isGguf)) {
    const problem =
      wanted === undefined ? `There is no GGUF file` : `spec.source.volume.files names no GGUF file`;
    throw new SourceError(
      'NoModelFile',
      `${problem} in ${what}, which has ${all.length === 0 ? 'no files' : listed(all)}.`,
    );
  }
  return [...new Set(named.flatMap((path) => [path, ...otherPieces(path, all, what)]))];
}

function matching(all: readonly string[], name: string, what: string): string[] {
  const found = all.filter((path) => (isPattern(name) ? matchesPattern(name, path) : path === name));
  if (found.length > 0) return found;
  const close = closeNames(all, name);
  throw new SourceError(
    'FileNotFound',
    `There is no ${name} in ${what}.${close.length > 0 ? ` Close to it: ${listed(close)}.` : ''} Check spec.source.volume.files.`,
  );
}

function otherPieces(path: string, all: readonly string[], what: string): string[] {
  const piece = isGguf(path) ? pieceInName(path) : undefined;
  if (piece === undefined) return [];
  const pieces = Array.from({ length: piece.of }, (_, i) => piece.sibling(i + 1));
  const missing = pieces.filter((sibling) => !all.includes(sibling));
  if (missing.length === 0) return pieces;
  throw new SourceError('FileNotFound', `${what} lacks pieces of a split model: ${listed(missing)}.`);
}

/** Other content is another revision, as far as names, sizes and times of change tell. */
export function revisionOf(files: readonly FileInPlace[]): string {
  const lines = files.map(({ path, sizeBytes, changedAt }) => `${path}\t${sizeBytes}\t${changedAt}\n`);
  return `listing-${createHash('sha256').update(lines.sort().join('')).digest('hex').slice(0, 40)}`;
}

/** What may not be read is a matter of rights, and not of the volume being written to. */
export async function orUnreadable<T>(read: Promise<T>): Promise<T> {
  try {
    return await read;
  } catch (error) {
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    throw new SourceError(
      'VolumeNotReadable',
      `The volume has what the puller may not read: ${(error as Error).message}. It reads as user 65532 and group 65532.`,
      { cause: error },
    );
  }
}
