import type { Archive, Archives, SourceFile } from '../../sources/source.ts';
import {
  downloadIn,
  findBlob,
  findUnfinished,
  tallyOf,
  waitForTurn,
  type Found,
  type Pull,
} from '../bring.ts';
import { roleInHeader } from '../store/header-on-disk.ts';
import { filesUnpackedFrom, unpack } from './unpack.ts';

/** What the volume has of an archive before the pull does anything about it. */
export interface FoundArchive extends Omit<Found, 'sha256'> {
  /** The wanted files, where it was unpacked already and all of them are there. */
  readonly files: readonly SourceFile[] | undefined;
}

export async function findArchive(archive: Archive, packed: Archives, shared: Pull): Promise<FoundArchive> {
  const { sizeBytes } = archive;
  const files = await findUnpacked(archive, packed, shared);
  if (files !== undefined) return { files, durableBytes: sizeBytes, allocatedBytes: sizeBytes };
  return { files, ...(await findUnfinished(archive, shared)) };
}

/**
 * Downloads an archive and unpacks it, unless that has been done. Nothing is unpacked that is not verified.
 * @returns the wanted files, each of which is a blob.
 */
export async function bringArchive(
  archive: Archive,
  order: number,
  packed: Archives,
  found: FoundArchive,
  shared: Pull,
): Promise<readonly SourceFile[]> {
  if (found.files !== undefined) return found.files;
  const { volume, log, announcement, signal } = shared;
  const tally = tallyOf(shared.progress, found.durableBytes);
  for (;;) {
    await using tenure = await waitForTurn(archive, shared, () => seemsUnpacked(archive, packed, shared));
    const files = await findUnpacked(archive, packed, shared);
    if (files !== undefined) {
      tally.settle(archive.sizeBytes);
      return files;
    }
    if (tenure === undefined) continue;
    try {
      const { path: file } = await downloadIn(tenure, archive, order, tally, shared);
      log.info({ file: archive.path }, 'unpacking');
      const unpacked = await unpack(
        archive,
        { folder: tenure.folder, file },
        {
          wants: packed.wants,
          check: roleInHeader,
          announce: (sha256) => announcement.add(sha256),
          volume,
          signal: AbortSignal.any([signal, tenure.lost]),
        },
      );
      await tenure.remove();
      return unpacked;
    } catch (error) {
      if (signal.aborted || !(await tenure.isLost())) throw error;
      log.warn({ file: archive.path }, 'another pull has taken this download over');
    }
  }
}

/** The wanted files of an archive, where all of them are on the volume and what their names say. */
async function findUnpacked(
  archive: Archive,
  { wants }: Archives,
  shared: Pull,
): Promise<SourceFile[] | undefined> {
  const files = await filesUnpackedFrom(archive, wants, shared.volume);
  for (const { digest } of files ?? []) await shared.announcement.add(digest.hex);
  for (const file of files ?? []) {
    if ((await findBlob(file, shared)).sha256 === undefined) return undefined;
  }
  return files;
}

/** The same without reading the files. */
async function seemsUnpacked(archive: Archive, { wants }: Archives, { volume }: Pull): Promise<boolean> {
  const files = await filesUnpackedFrom(archive, wants, volume);
  if (files === undefined) return false;
  for (const { digest, sizeBytes } of files) {
    if ((await volume.blobFile(digest.hex))?.size !== sizeBytes) return false;
  }
  return true;
}
