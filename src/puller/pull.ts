import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { FileRole, ModelFile } from '../api/model.ts';
import { readGgufHeader, type GgufHeader } from '../gguf/header.ts';
import type { Publication } from '../protocols/puller.ts';
import type { Patience } from '../sources/retry.ts';
import { isGguf } from '../sources/select-files.ts';
import { SourceError, type Source, type SourceFile } from '../sources/source.ts';
import { limitBandwidth } from './bandwidth.ts';
import { shareConnections } from './budget.ts';
import { adaptConcurrency, defaultConnections, type Connections } from './concurrency.ts';
import { download } from './download.ts';
import type { DownloadContext } from './fetch-file.ts';
import { openHashPool } from './hash-pool.ts';
import { matches } from './hashing.ts';
import { defaultSyncInterval, leftBehind, type SyncInterval } from './ledger.ts';
import { watchPace } from './pace.ts';
import type { Clock, ProgressTracker } from './progress.ts';
import { checkReportable } from './report.ts';
import type { Volume } from './volume.ts';

export interface PullOptions {
  readonly source: Source;
  /** The commit that inspect found; without it the name is resolved anew. */
  readonly revision?: string | undefined;
  readonly modelUid: string;
  readonly volume: Volume;
  readonly progress: ProgressTracker;
  readonly patience: Patience;
  /** Of all files together. */
  readonly connections?: Connections;
  /** Of all connections together; undefined for as fast as it goes. */
  readonly bytesPerSecond?: number | undefined;
  readonly syncInterval?: SyncInterval;
  readonly now: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** File systems need a little for names and journals. */
const headroomBytes = 1 << 20;
/** Files that are downloaded at the same time, as far as connections are left. */
const mostFilesAtOnce = 8;
const mostHashThreads = 4;

/** What the files of one pull share. */
interface Pull extends DownloadContext {
  readonly volume: Volume;
  readonly folder: string;
  /** What is being downloaded or was, by the digest that the source states. */
  readonly downloads: Map<string, Promise<string>>;
}

/**
 * Brings the files of a source onto a volume, verified. Running it again downloads what is missing only. The record in
 * `index/` comes last: until it is there, nothing counts as published.
 * @throws SourceError, NotGgufError, and errors of the file system.
 */
export async function pull(options: PullOptions): Promise<Publication> {
  const { source, volume, progress, log, modelUid, patience, now } = options;
  const resolution = await source.resolve(options.revision);
  checkReportable(resolution);
  const { revision, files, folder, records } = resolution;
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  log.info({ source: source.name, revision, files: files.length, sizeBytes }, 'resolved');

  const stop = new AbortController();
  await using hashes = openHashPool(Math.min(availableParallelism(), mostHashThreads));
  const shared: Pull = {
    source,
    revision,
    volume,
    folder,
    progress,
    log,
    patience,
    now,
    hashes,
    budget: shareConnections(adaptConcurrency(options.connections ?? defaultConnections, now)),
    downloads: new Map(),
    bandwidth: limitBandwidth(options.bytesPerSecond, now, patience.sleep),
    pace: watchPace(now),
    syncInterval: options.syncInterval ?? defaultSyncInterval,
    signal: AbortSignal.any([options.signal, stop.signal]),
  };
  const each = <T>(work: (file: SourceFile, order: number) => Promise<T>): Promise<T[]> =>
    severalAtOnce(files, work, stop);

  progress.enter('verifying');
  const present = await each((file) => findBlob(file, shared));
  const onVolume = await each(async (file, order) =>
    present[order] === undefined
      ? leftBehind(volume.partialFolder(file), file)
      : { durableBytes: file.sizeBytes, allocatedBytes: file.sizeBytes },
  );
  await checkSpace(volume, sizeBytes, sumOf(onVolume, 'allocatedBytes'));
  progress.begin(sumOf(onVolume, 'durableBytes'), sizeBytes);

  progress.enter('downloading');
  const published = await each(async (file, order): Promise<ModelFile> => {
    const { path, sizeBytes } = file;
    const { sha256, role } = await bring(file, order, present[order], shared);
    return { path, sizeBytes, sha256, ...(role !== undefined && { role }) };
  });

  progress.enter('publishing');
  for (const { path, sha256 } of published) await volume.linkBlob(sha256, folder, path);
  for (const record of records) await volume.writeRecord(record);
  const publication = {
    revision,
    digest: digestOf(published),
    sizeBytes,
    path: folder,
    fileCount: published.length,
    files: published,
  };
  await volume.writeIndex(modelUid, { version: 1, modelUid, source: source.name, ...publication });
  const downloaded = present.filter((sha256) => sha256 === undefined).length;
  log.info({ revision, digest: publication.digest, downloaded, ...progress.counts() }, 'published');
  return publication;
}

function sumOf<K extends string>(items: readonly Record<K, number>[], member: K): number {
  return items.reduce((sum, item) => sum + item[member], 0);
}

/** The results in the order of the items. After the first failure the others are stopped, and then it is thrown. */
async function severalAtOnce<T, R>(
  items: readonly T[],
  work: (item: T, order: number) => Promise<R>,
  stop: AbortController,
): Promise<R[]> {
  const results: R[] = [];
  const waiting = items.entries();
  let failed: { error: unknown } | undefined;
  async function takeTurns(): Promise<void> {
    for (const [order, item] of waiting) {
      if (failed !== undefined) return;
      try {
        results[order] = await work(item, order);
      } catch (error) {
        failed ??= { error };
        stop.abort(error);
      }
    }
  }
  await Promise.all(Array.from({ length: mostFilesAtOnce }, takeTurns));
  if (failed !== undefined) throw failed.error;
  return results;
}

/** Makes a file a blob, unless it is one. Files with the same content are downloaded once. */
async function bring(
  file: SourceFile,
  order: number,
  held: string | undefined,
  shared: Pull,
): Promise<{ sha256: string; role: FileRole | undefined }> {
  const { volume, downloads, progress } = shared;
  const { hex } = file.digest;
  const same = downloads.get(hex);
  const downloading = same ?? (held === undefined ? downloadBlob(file, order, shared) : undefined);
  if (downloading !== undefined) downloads.set(hex, downloading);
  const sha256 = held ?? (await downloading)!;
  if (held === undefined && same !== undefined) progress.wrote(file.sizeBytes);
  return { sha256, role: file.role ?? (await roleInHeader(file, volume.blobPath(sha256))) };
}

/** @returns the sha256 that names the blob. */
async function downloadBlob(file: SourceFile, order: number, shared: Pull): Promise<string> {
  const { volume, log, signal } = shared;
  const folder = volume.partialFolder(file);
  log.info({ file: file.path, sizeBytes: file.sizeBytes }, 'downloading');
  const { path, sha256 } = await download(file, folder, order, shared);
  signal.throwIfAborted();
  // Before it is a blob: what is no model shall not stay.
  await roleInHeader(file, path).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  await volume.publishBlob(path, sha256);
  await rm(folder, { recursive: true, force: true });
  return sha256;
}

/**
 * A blob of the volume with this content, hashed again: since an earlier pull, or an earlier Model that the claim was
 * retained from, disks fail and others may have had the volume. One that is not what its name says is removed.
 */
async function findBlob(
  file: SourceFile,
  { volume, folder, hashes, log }: Pull,
): Promise<string | undefined> {
  const { digest, sizeBytes, path } = file;
  const sha256 = digest.algorithm === 'sha256' ? digest.hex : await volume.linkedBlob(folder, path);
  if (sha256 === undefined || (await volume.blobSize(sha256)) !== sizeBytes) return undefined;
  const hash = hashes.follow(volume.blobPath(sha256), file);
  hash.reach(sizeBytes);
  const found = await hash.result;
  if (matches(found, digest) && found.sha256 === sha256) return sha256;
  log.warn(
    { file: path, blob: sha256, sha256: found.sha256 },
    'the volume has other content under this name',
  );
  if (found.sha256 !== sha256) await volume.removeBlob(sha256);
  return undefined;
}

/** @throws SourceError InsufficientStorage when the rest cannot fit. */
async function checkSpace(volume: Volume, sizeBytes: number, allocated: number): Promise<void> {
  const missing = sizeBytes - allocated;
  const free = await volume.freeBytes();
  if (missing === 0 || free >= missing + headroomBytes) return;
  throw new SourceError(
    'InsufficientStorage',
    `The files have ${sizeBytes} bytes, ${missing} of them are still to be written, and the volume at ${volume.root} has ${free} bytes free. Raise spec.storage.size by at least ${missing + headroomBytes - free} bytes, or leave it out to have it measured.`,
  );
}

/** What a GGUF file is. @throws NotGgufError when it only has the name of one. */
async function roleInHeader(file: SourceFile, at: string): Promise<FileRole | undefined> {
  return isGguf(file.path) ? (await readHeader(file, at)).role : undefined;
}

async function readHeader({ path, sizeBytes }: SourceFile, at: string): Promise<GgufHeader> {
  const file = await open(at, 'r');
  try {
    return await readGgufHeader({
      path,
      sizeBytes,
      async read(start, end) {
        const bytes = new Uint8Array(end - start);
        const { bytesRead } = await file.read(bytes, 0, bytes.byteLength, start);
        return bytes.subarray(0, bytesRead);
      },
    });
  } finally {
    await file.close();
  }
}

/** Of one file its own; of several the sha256 of what `sha256sum` prints for them, sorted by path. */
export function digestOf(files: readonly ModelFile[]): string {
  const [only] = files;
  if (only !== undefined && files.length === 1) return `sha256:${only.sha256}`;
  const lines = [...files]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ sha256, path }) => `${sha256}  ${path}\n`);
  return `sha256:${createHash('sha256').update(lines.join('')).digest('hex')}`;
}
