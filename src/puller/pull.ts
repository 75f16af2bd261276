import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { FileRole, ModelFile } from '../api/model.ts';
import { readGgufHeader, type GgufHeader } from '../gguf/header.ts';
import type { Publication } from '../protocols/puller.ts';
import type { Patience } from '../sources/retry.ts';
import { isGguf } from '../sources/select-files.ts';
import { SourceError, type Source, type SourceFile } from '../sources/source.ts';
import { download, type DownloadContext } from './download.ts';
import { hashFile, matches, rehash } from './hashing.ts';
import { durableBytes } from './partial.ts';
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
  readonly now: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** File systems need a little for names and journals. */
const headroomBytes = 1 << 20;

/**
 * Brings the files of a source onto a volume, verified. Running it again downloads what is missing only. The record in
 * `index/` comes last: until it is there, nothing counts as published.
 * @throws SourceError, NotGgufError, and errors of the file system.
 */
export async function pull(options: PullOptions): Promise<Publication> {
  const { source, volume, progress, log, modelUid } = options;
  const resolution = await source.resolve(options.revision);
  checkReportable(resolution);
  const { revision, files, folder, records } = resolution;
  const sizeBytes = files.reduce((sum, file) => sum + file.sizeBytes, 0);
  log.info({ source: source.name, revision, files: files.length, sizeBytes }, 'resolved');

  const present = new Map<SourceFile, string>();
  let onVolume = 0;
  for (const file of files) {
    const sha256 = await findBlob(file, folder, options);
    if (sha256 !== undefined) present.set(file, sha256);
    onVolume += sha256 === undefined ? await durableBytes(volume.partialFolder(file), file) : file.sizeBytes;
  }
  await checkSpace(volume, sizeBytes, onVolume);
  progress.begin(onVolume, sizeBytes);

  const published: ModelFile[] = [];
  for (const file of files) {
    const held = present.get(file);
    const brought =
      held === undefined
        ? await bring(file, { ...options, revision })
        : { sha256: held, role: file.role ?? (await roleInHeader(file, volume.blobPath(held))) };
    const { path, sizeBytes } = file;
    const { sha256, role } = brought;
    published.push({ path, sizeBytes, sha256, ...(role !== undefined && { role }) });
  }

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
  log.info({ revision, digest: publication.digest, downloaded: files.length - present.size }, 'published');
  return publication;
}

/** Downloads a file and makes it a blob. */
async function bring(
  file: SourceFile,
  context: DownloadContext & { volume: Volume },
): Promise<{ sha256: string; role: FileRole | undefined }> {
  const { volume, progress, log, signal } = context;
  const folder = volume.partialFolder(file);
  progress.enter('downloading');
  log.info({ file: file.path, sizeBytes: file.sizeBytes }, 'downloading');
  const { path, sha256 } = await download(file, folder, context);
  signal.throwIfAborted();
  progress.enter('verifying');
  const role = await roleInHeader(file, path).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  await volume.publishBlob(path, sha256);
  await rm(folder, { recursive: true, force: true });
  return { sha256, role: file.role ?? role };
}

/**
 * A blob of the volume with this content, hashed again: since an earlier pull, or an earlier Model that the claim was
 * retained from, disks fail and others may have had the volume. One that is not what its name says is removed.
 */
async function findBlob(
  file: SourceFile,
  folder: string,
  { volume, progress, log, signal }: PullOptions,
): Promise<string | undefined> {
  const { digest, sizeBytes, path } = file;
  const sha256 = digest.algorithm === 'sha256' ? digest.hex : await volume.linkedBlob(folder, path);
  if (sha256 === undefined || (await volume.blobSize(sha256)) !== sizeBytes) return undefined;
  progress.enter('verifying');
  const hash = hashFile(file);
  await rehash(hash, volume.blobPath(sha256), sizeBytes, signal);
  const found = hash.finish();
  if (matches(found, digest) && found.sha256 === sha256) return sha256;
  log.warn(
    { file: path, blob: sha256, sha256: found.sha256 },
    'the volume has other content under this name',
  );
  if (found.sha256 !== sha256) await volume.removeBlob(sha256);
  return undefined;
}

/** @throws SourceError InsufficientStorage when the rest cannot fit. */
async function checkSpace(volume: Volume, sizeBytes: number, onVolume: number): Promise<void> {
  const missing = sizeBytes - onVolume;
  const free = await volume.freeBytes();
  if (missing === 0 || free >= missing + headroomBytes) return;
  throw new SourceError(
    'InsufficientStorage',
    `The files have ${sizeBytes} bytes, ${missing} of them are still to be written, and the volume has ${free} bytes free. Raise spec.storage.size by at least ${missing + headroomBytes - free} bytes, or leave it out to have it measured.`,
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
