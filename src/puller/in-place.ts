import { availableParallelism } from 'node:os';
import type { Logger } from 'pino';
import type { FileRole, ModelFile } from '../api/model-status.ts';
import type { VolumeSource } from '../api/source.ts';
import type { Inspection, Publication } from '../protocols/puller.ts';
import { isGguf } from '../sources/select-files.ts';
import { SourceError } from '../sources/source.ts';
import { digestOf } from './store/digest.ts';
import { openHashPool } from './transfer/hash-pool.ts';
import { readHeaderAt } from './store/header-on-disk.ts';
import { readModel } from './inspect.ts';
import type { ProgressTracker } from './progress/progress.ts';
import { checkReportable } from './report.ts';
import { listFolder, orUnreadable, revisionOf, type FileInPlace } from './store/volume-folder.ts';

/**
 * A source whose files are on a volume already: they are read where they are, and nothing is written. What pins them is
 * a fingerprint of their names, sizes and times of change, since to hash them for an inspection would take as long as
 * the pull does.
 */
export interface InPlace {
  readonly root: string;
  readonly spec: VolumeSource;
}

/** A GGUF file, or another one, and what it is. */
interface Known extends FileInPlace {
  readonly role: FileRole | undefined;
}

const mostHashThreads = 4;

/** @throws SourceError, NotGgufError, TruncatedGgufError. */
export async function inspectInPlace(place: InPlace): Promise<Inspection> {
  const files = await findFiles(place);
  const revision = revisionOf(files);
  checkReportable({ revision, files, folder: folderOf(place) });
  const { facts, memory } = await readModel(files, (file) => readHeaderAt(file, file.at));
  return {
    revision,
    sizeBytes: sizeOf(files),
    fileCount: files.length,
    gguf: { ...facts, projector: files.some(({ role }) => role === 'projector') },
    memory,
  };
}

/**
 * Hashes what was inspected. Publishes the folder itself.
 * @param revision What the inspection found; undefined to take the files as they are.
 * @throws SourceError, RevisionNotFound among them when the files have changed since; NotGgufError, TruncatedGgufError.
 */
export async function verifyInPlace(
  place: InPlace,
  revision: string | undefined,
  { progress, log, signal }: { progress: ProgressTracker; log: Logger; signal: AbortSignal },
): Promise<Publication> {
  const files = await findFiles(place);
  const found = revisionOf(files);
  if (revision !== undefined && found !== revision) throw changed(place);
  checkReportable({ revision: found, files, folder: folderOf(place) });
  log.info({ revision: found, files: files.length, sizeBytes: sizeOf(files) }, 'verifying in place');

  progress.begin(0, sizeOf(files));
  progress.enter('verifying');
  await using hashes = openHashPool(Math.min(availableParallelism(), mostHashThreads));
  const stopped = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
  const hashed = files.map(async ({ path, at, sizeBytes, role }): Promise<ModelFile> => {
    let counted = 0;
    const hash = hashes.follow(at, { sizeBytes, digest: anySha256 }, (bytes) => {
      progress.wrote(bytes - counted);
      counted = bytes;
    });
    hash.reach(sizeBytes);
    const { sha256 } = await hash.result;
    return { path, sizeBytes, sha256, ...(role !== undefined && { role }) };
  });
  const verified = await Promise.race([orUnreadable(Promise.all(hashed)), stopped]);
  // What was changed while it was read has no digest.
  if (revisionOf(await findFiles(place)) !== found) throw changed(place);
  const digest = digestOf(verified);
  if (place.spec.digest !== undefined && digest !== place.spec.digest) {
    throw new SourceError(
      'ChecksumMismatch',
      `${nameOf(place)} has the digest ${digest}, and spec.source.volume.digest asks for ${place.spec.digest}. Put the right files there, or correct the digest.`,
    );
  }
  log.info({ revision: found, digest }, 'verified');
  const { length: fileCount } = verified;
  return {
    revision: found,
    digest,
    sizeBytes: sizeOf(files),
    path: folderOf(place),
    fileCount,
    files: verified,
  };
}

/** The source states no digest. */
const anySha256 = { algorithm: 'sha256', hex: '' } as const;

/** What is asked for, the model first. */
async function findFiles(place: InPlace): Promise<Known[]> {
  const listed = await listFolder(place);
  const files: Known[] = [];
  for (const file of listed) {
    const header = isGguf(file.path) ? await orUnreadable(readHeaderAt(file, file.at)) : undefined;
    files.push({ ...file, role: header?.role });
  }
  const models = files.filter(({ role }) => role === 'model');
  if (models.length > 1 && place.spec.files === undefined) {
    throw new SourceError(
      'AmbiguousFiles',
      `${nameOf(place)} has ${models.length} GGUF models: ${models
        .slice(0, 12)
        .map(({ path }) => path)
        .join(', ')}. Name the one to load in spec.source.volume.files.`,
    );
  }
  return [...models, ...files.filter((file) => !models.includes(file))];
}

function changed(place: InPlace): SourceError {
  return new SourceError(
    'RevisionNotFound',
    `The files of ${nameOf(place)} have changed since they were looked at. They are looked at again; leave them alone until the Model is Ready.`,
  );
}

function nameOf({ spec }: InPlace): string {
  return `volume:${spec.claimName}/${spec.path ?? ''}`;
}

/** As servers find it below the root of the volume. */
function folderOf({ spec }: InPlace): string {
  return spec.path ?? '.';
}

function sizeOf(files: readonly FileInPlace[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
