import type { FileRole } from '../api/model-status.ts';
import type { SourceFile } from '../sources/source.ts';
import { download, type Downloaded } from './transfer/download.ts';
import type { DownloadContext } from './transfer/fetch-file.ts';
import { matches } from './transfer/hashing.ts';
import { roleInHeader } from './store/header-on-disk.ts';
import { inherit } from './store/inherit.ts';
import { leftBehind } from './transfer/ledger.ts';
import type { ProgressTracker } from './progress/progress.ts';
import type { Announcement } from './store/references.ts';
import { findPartial, takeOver, type Owner, type Tenure, type TenureTimes } from './store/tenure.ts';
import type { Volume } from './store/volume.ts';

/** What the files of one pull share. */
export interface Pull extends DownloadContext {
  readonly volume: Volume;
  readonly folder: string;
  readonly owner: Owner;
  readonly tenureTimes: TenureTimes;
  readonly announcement: Announcement;
  /** What is being brought or was, by the digest that the source states. */
  readonly downloads: Map<string, Promise<string>>;
}

/** What the volume has of a file before the pull does anything about it. */
export interface Found {
  /** Of the blob, where there is one with this content. */
  readonly sha256: string | undefined;
  /** Bytes that need not be fetched again, and those that need no more space. */
  readonly durableBytes: number;
  readonly allocatedBytes: number;
}

export async function find(file: SourceFile, shared: Pull): Promise<Found> {
  const { sha256 } = await findBlob(file, shared);
  return sha256 === undefined ? findUnfinished(file, shared) : blobFound(file, sha256);
}

export function blobFound({ sizeBytes }: SourceFile, sha256: string): Found {
  return { sha256, durableBytes: sizeBytes, allocatedBytes: sizeBytes };
}

export async function findUnfinished(file: SourceFile, { volume, owner }: Pull): Promise<Found> {
  const partial = await findPartial(volume.partialFolder(file), owner.modelUid);
  if (partial === undefined) return { sha256: undefined, durableBytes: 0, allocatedBytes: 0 };
  const left = await leftBehind(partial.folder, file);
  return { sha256: undefined, ...left, ...(!partial.goesOn && { durableBytes: 0 }) };
}

/** Makes a file a blob, unless it is one. Files with the same content are brought once. */
export async function bring(
  file: SourceFile,
  order: number,
  found: Found,
  shared: Pull,
): Promise<{ sha256: string; role: FileRole | undefined }> {
  const { volume, downloads } = shared;
  const { hex } = file.digest;
  const tally = tallyOf(shared.progress, found.durableBytes);
  const same = downloads.get(hex);
  const bringing = same ?? (found.sha256 === undefined ? bringBlob(file, order, tally, shared) : undefined);
  if (bringing !== undefined) downloads.set(hex, bringing);
  const sha256 = found.sha256 ?? (await bringing)!;
  tally.settle(file.sizeBytes);
  return { sha256, role: file.role ?? (await roleInHeader(file, volume.blobPath(sha256))) };
}

/** The progress of one file: others may write what was counted as missing, or take what was counted as there. */
export interface Tally {
  readonly progress: ProgressTracker;
  /** So much of the file is on the volume, whoever brought it. */
  settle(bytes: number): void;
}

export function tallyOf(progress: ProgressTracker, counted: number): Tally {
  let bytes = counted;
  return {
    progress: {
      ...progress,
      wrote(more) {
        bytes += more;
        progress.wrote(more);
      },
      discarded(less) {
        bytes -= less;
        progress.discarded(less);
      },
    },
    settle(now) {
      progress.wrote(now - bytes);
      bytes = now;
    },
  };
}

/** @returns the sha256 that names the blob, once it is on the volume, whoever brought it. */
async function bringBlob(file: SourceFile, order: number, tally: Tally, shared: Pull): Promise<string> {
  /** The inode of a damaged blob of this name. */
  let unusable: number | undefined;
  for (;;) {
    const before = unusable;
    await using tenure = await waitForTurn(file, shared, async () => {
      const { algorithm, hex } = file.digest;
      const blob = algorithm === 'sha256' ? await shared.volume.blobFile(hex) : undefined;
      return blob?.size === file.sizeBytes && blob.ino !== before;
    });
    const { sha256, damaged } = await findBlob(file, shared);
    if (sha256 !== undefined) return sha256;
    unusable = damaged?.inode;
    if (tenure === undefined) continue;
    try {
      if (damaged !== undefined) {
        await shared.volume.discardBlob(damaged.sha256, damaged.inode, tenure.folder);
      }
      return await downloadBlob(file, order, tenure, tally, shared);
    } catch (error) {
      if (shared.signal.aborted || !(await tenure.isLost())) throw error;
      shared.log.warn({ file: file.path }, 'another pull has taken this download over');
    }
  }
}

/**
 * @param isHere Whether another pull has brought it, so that there is nothing to be done any more.
 * @returns undefined when that is so before it is this pull's turn.
 */
export async function waitForTurn(
  file: SourceFile,
  shared: Pull,
  isHere: () => Promise<boolean>,
): Promise<Tenure | undefined> {
  const { volume, owner, tenureTimes, now, log, progress, patience, signal } = shared;
  let waited = false;
  try {
    return await takeOver(volume.partialFolder(file), owner, {
      times: tenureTimes,
      now,
      sleep: patience.sleep,
      async isHere() {
        signal.throwIfAborted();
        return isHere();
      },
      waiting() {
        waited = true;
        log.info({ file: file.path }, 'waiting for another pull of this file');
        progress.waiting(1);
      },
    });
  } finally {
    if (waited) progress.waiting(-1);
  }
}

/** @returns the sha256 that names the blob. */
async function downloadBlob(
  file: SourceFile,
  order: number,
  tenure: Tenure,
  tally: Tally,
  shared: Pull,
): Promise<string> {
  const { volume, announcement } = shared;
  const { path, sha256 } = await downloadIn(tenure, file, order, tally, shared);
  // Before it is a blob: what is no model shall not stay.
  await roleInHeader(file, path).catch(async (error: unknown) => {
    await tenure.remove();
    throw error;
  });
  await announcement.add(sha256);
  await volume.publishBlob(path, sha256);
  await tenure.remove();
  return sha256;
}

/** Downloads a file into the folder of a tenure. */
export async function downloadIn(
  tenure: Tenure,
  file: SourceFile,
  order: number,
  tally: Tally,
  shared: Pull,
): Promise<Downloaded> {
  const { log } = shared;
  const { folder, inherited } = tenure;
  const context: Pull = {
    ...shared,
    progress: tally.progress,
    signal: AbortSignal.any([shared.signal, tenure.lost]),
  };
  if (inherited !== undefined) {
    log.warn(
      { file: file.path },
      'another pull of this file stands still; going on with a copy of what it has',
    );
    await inherit(inherited, folder, file, context);
  }
  tally.settle((await leftBehind(folder, file)).durableBytes);
  log.info({ file: file.path, sizeBytes: file.sizeBytes }, 'downloading');
  const downloaded = await download(file, folder, order, context);
  context.signal.throwIfAborted();
  return downloaded;
}

/**
 * A blob of the volume with this content, hashed again: since an earlier pull, or an earlier Model that the claim was
 * retained from, disks fail and others may have had the volume.
 */
export async function findBlob(
  file: SourceFile,
  { volume, folder, hashes, log }: Pull,
): Promise<{ sha256?: string; damaged?: { sha256: string; inode: number } }> {
  const { digest, sizeBytes, path } = file;
  const sha256 = digest.algorithm === 'sha256' ? digest.hex : await volume.linkedBlob(folder, path);
  if (sha256 === undefined) return {};
  const blob = await volume.blobFile(sha256);
  if (blob?.size !== sizeBytes) return {};
  const hash = hashes.follow(volume.blobPath(sha256), file);
  hash.reach(sizeBytes);
  const found = await hash.result;
  if (matches(found, digest) && found.sha256 === sha256) return { sha256 };
  log.warn(
    { file: path, blob: sha256, sha256: found.sha256 },
    'the volume has other content under this name',
  );
  return found.sha256 === sha256 ? {} : { damaged: { sha256, inode: blob.ino } };
}
