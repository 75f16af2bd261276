import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonOf } from '../../sources/ask.ts';
import { SourceError, type Archive, type Archives, type SourceFile } from '../../sources/source.ts';
import { filesInArchive, type PackedFile } from '../../sources/oci/tar.ts';
import { Unpacked, unpackedPath } from '../store/unpacked.ts';
import { headroomBytes, type Volume } from '../store/volume.ts';

/** The wanted files of an archive that was unpacked on this volume before; they may be gone since. */
export async function filesUnpackedFrom(
  archive: Archive,
  wants: Archives['wants'],
  volume: Volume,
): Promise<SourceFile[] | undefined> {
  const text = await volume.readRecord(unpackedPath(archive.digest.hex));
  const { data } = Unpacked.safeParse(text === undefined ? undefined : jsonOf(Buffer.from(text)));
  return data?.files.filter(({ path }) => wants(path)).map(sourceFile);
}

/**
 * Unpacks an archive that was verified. Every wanted file becomes a blob, named by its own sha256, for which the digest
 * of the archive vouches. What a killed puller leaves of this is written over.
 * @param at Where the archive is; unpacked files lie beside it, in its folder, until they are blobs.
 * @param check Throws for a file that shall be no blob.
 * @throws SourceError UnsupportedModel, and InsufficientStorage before a file is begun that does not fit.
 */
export async function unpack(
  archive: Archive,
  { folder, file: at }: { folder: string; file: string },
  {
    wants,
    check,
    announce,
    volume,
    signal,
  }: {
    wants: Archives['wants'];
    check: (file: SourceFile, at: string) => Promise<unknown>;
    /** Says that a blob is needed, before it is one. */
    announce: (sha256: string) => Promise<void>;
    volume: Volume;
    signal: AbortSignal;
  },
): Promise<SourceFile[]> {
  // What is not wanted takes no room, and must not be endless either.
  const mostBytes = archive.sizeBytes + (await volume.freeBytes());
  const tooLarge = (): Error => noRoom(archive, `more than ${mostBytes} bytes, which is all there is`);
  const files: Unpacked['files'] = [];
  const packed = filesInArchive(createReadStream(at, { signal }), archive, { mostBytes, tooLarge });
  for await (const file of packed) {
    const { path, sizeBytes } = file;
    const isWanted = wants(path);
    const free = isWanted ? await volume.freeBytes() : Infinity;
    if (free < sizeBytes + headroomBytes) {
      throw noRoom(archive, `${path} of ${sizeBytes} bytes, and ${free} bytes are free`);
    }
    const to = join(folder, 'unpacked');
    const sha256 = await write(file, isWanted ? to : undefined);
    files.push({ path, sizeBytes, sha256 });
    if (!isWanted) continue;
    await check(sourceFile({ path, sizeBytes, sha256 }), to);
    await announce(sha256);
    await volume.publishBlob(to, sha256);
  }
  const contents: Unpacked = { version: 1, files };
  await volume.writeRecord({ path: unpackedPath(archive.digest.hex), content: JSON.stringify(contents) });
  return files.filter(({ path }) => wants(path)).map(sourceFile);
}

/** @returns the sha256. */
async function write({ content }: PackedFile, to: string | undefined): Promise<string> {
  const hash = createHash('sha256');
  const file = to === undefined ? undefined : await open(to, 'w');
  try {
    for await (const chunk of content) {
      hash.update(chunk);
      await file?.writeFile(chunk);
    }
  } finally {
    await file?.close();
  }
  return hash.digest('hex');
}

function sourceFile({ path, sizeBytes, sha256 }: Unpacked['files'][number]): SourceFile {
  return { path, sizeBytes, digest: { algorithm: 'sha256', hex: sha256 } };
}

function noRoom({ path }: Archive, what: string): SourceError {
  return new SourceError(
    'InsufficientStorage',
    `${path} was downloaded, and unpacks to ${what}. Raise spec.storage.size: it needs room for the archive and for what is in it, which only shows when it is unpacked.`,
  );
}
