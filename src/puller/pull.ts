import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { ModelFile } from '../api/model-status.ts';
import type { Publication } from '../protocols/puller.ts';
import type { Patience } from '../sources/http/retry.ts';
import { SourceError, type Resolution, type Source, type SourceFile } from '../sources/source.ts';
import { limitBandwidth } from './transfer/bandwidth.ts';
import { bringArchive, findArchive } from './archive/bring-archive.ts';
import { blobFound, bring, find, type Found, type Pull } from './bring.ts';
import { shareConnections } from './transfer/budget.ts';
import { adaptConcurrency, defaultConnections, type Connections } from './transfer/concurrency.ts';
import { digestOf } from './store/digest.ts';
import { openHashPool } from './transfer/hash-pool.ts';
import { defaultSyncInterval, type SyncInterval } from './transfer/ledger.ts';
import { watchPace } from './transfer/pace.ts';
import type { Clock, ProgressTracker } from './progress/progress.ts';
import { announce, writeIndex } from './store/references.ts';
import { checkReportable } from './report.ts';
import { defaultTenureTimes, newOwner, type TenureTimes } from './store/tenure.ts';
import { filesUnpackedFrom } from './archive/unpack.ts';
import { headroomBytes, type Volume } from './store/volume.ts';

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
  readonly tenureTimes?: TenureTimes;
  readonly now: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Files that are downloaded at the same time, as far as connections are left. */
const mostFilesAtOnce = 8;
const mostHashThreads = 4;

/**
 * Brings the files of a source onto a volume, verified. Running it again downloads what is missing only. The record in
 * `index/` comes last: until it is there, nothing counts as published.
 * @throws SourceError, NotGgufError, and errors of the file system.
 */
export async function pull(options: PullOptions): Promise<Publication> {
  const { source, volume, progress, log, modelUid, patience, now } = options;
  const resolution = await source.resolve(options.revision);
  checkReportable(resolution);
  const { revision, folder, records, packed } = resolution;
  const archives = packed?.archives ?? [];
  const toFetch = [...resolution.files, ...archives];
  const bytesToFetch = sumOf(toFetch, 'sizeBytes');
  log.info({ source: source.name, revision, files: toFetch.length, sizeBytes: bytesToFetch }, 'resolved');

  const needed = [
    ...toFetch.map(({ digest }) => digest.hex),
    ...(await linkedBlobs(resolution, volume)),
    ...(await unpackedBlobs(resolution, volume)),
  ];
  const announcement = await announce(volume.root, modelUid, needed);
  const stop = new AbortController();
  await using hashes = openHashPool(Math.min(availableParallelism(), mostHashThreads));
  const shared: Pull = {
    source,
    revision,
    volume,
    folder,
    owner: newOwner(modelUid),
    tenureTimes: options.tenureTimes ?? defaultTenureTimes,
    announcement,
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
  const each = <F extends SourceFile, T>(
    items: readonly F[],
    work: (file: F, order: number) => Promise<T>,
  ): Promise<T[]> => severalAtOnce(items, work, stop);

  progress.enter('verifying');
  const foundArchives = await each(archives, (archive) => findArchive(archive, packed!, shared));
  const found = new Map<SourceFile, Found>();
  await each(resolution.files, async (file) => void found.set(file, await find(file, shared)));
  const onVolume = [...foundArchives, ...found.values()];
  // What is in an archive takes about as much again, or more.
  const toUnpack = archives.filter((_archive, order) => foundArchives[order]!.files === undefined);
  await checkSpace(volume, bytesToFetch + sumOf(toUnpack, 'sizeBytes'), sumOf(onVolume, 'allocatedBytes'));
  progress.begin(sumOf(onVolume, 'durableBytes'), bytesToFetch);

  progress.enter('downloading');
  const unpacked = (
    await each(archives, (archive, order) =>
      bringArchive(archive, order, packed!, foundArchives[order]!, shared),
    )
  ).flat();
  for (const file of unpacked) found.set(file, blobFound(file, file.digest.hex));
  const files = packed?.choose([...resolution.files, ...unpacked]) ?? resolution.files;
  checkReportable({ ...resolution, files });
  const published = await each(files, async (file, order): Promise<ModelFile> => {
    const { path, sizeBytes } = file;
    const { sha256, role } = await bring(file, archives.length + order, found.get(file)!, shared);
    return { path, sizeBytes, sha256, ...(role !== undefined && { role }) };
  });
  const sizeBytes = sumOf(published, 'sizeBytes');

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
  await writeIndex(volume.root, { version: 1, modelUid, source: source.name, ...publication });
  await checkBlobs(published, volume);
  await announcement.withdraw();
  const downloaded =
    toUnpack.length + [...found.values()].filter(({ sha256 }) => sha256 === undefined).length;
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

/** Of the files that the source states no sha256 of: an earlier pull tells which blobs they may be. */
async function linkedBlobs({ files, folder }: Resolution, volume: Volume): Promise<string[]> {
  const linked = await Promise.all(files.map(({ path }) => volume.linkedBlob(folder, path)));
  return linked.filter((sha256) => sha256 !== undefined);
}

/** What archives were unpacked to, by an earlier pull. */
async function unpackedBlobs({ packed }: Resolution, volume: Volume): Promise<string[]> {
  if (packed === undefined) return [];
  const known = await Promise.all(
    packed.archives.map((archive) => filesUnpackedFrom(archive, packed.wants, volume)),
  );
  return known.flatMap((files) => files?.map(({ digest }) => digest.hex) ?? []);
}

/** Says whether what is about to be published is there: somebody else may have the volume too. */
async function checkBlobs(files: readonly ModelFile[], volume: Volume): Promise<void> {
  for (const { path, sha256, sizeBytes } of files) {
    if ((await volume.blobFile(sha256))?.size === sizeBytes) continue;
    throw new SourceError(
      'PullerFailed',
      `The blob of ${path} at ${volume.blobPath(sha256)} has been removed or cut while the files were published. Longshore brings it again; see what else writes to the volume.`,
    );
  }
}

/** @throws SourceError InsufficientStorage when the rest cannot fit. */
async function checkSpace(volume: Volume, sizeBytes: number, allocated: number): Promise<void> {
  const missing = sizeBytes - allocated;
  const free = await volume.freeBytes();
  if (missing === 0 || free >= missing + headroomBytes) return;
  throw new SourceError(
    'InsufficientStorage',
    `The files have ${sizeBytes} bytes, ${missing} of them are still to be written, and the volume at ${volume.root} has ${free} bytes free. It needs at least ${missing + headroomBytes - free} bytes more: raise spec.storage.size, or leave it out to have it measured; enlarge a claim that spec.storage.claimName names, or free some of it.`,
  );
}
