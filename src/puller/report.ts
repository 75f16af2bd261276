import type { ModelFile } from '../api/model-status.ts';
import { NotGgufError, TruncatedGgufError } from '../gguf/errors.ts';
import { pieceInName } from '../gguf/quantization.ts';
import { exitCodes, transientReasons, type Publication, type PullerReport } from '../protocols/puller.ts';
import { isGguf } from '../sources/select-files.ts';
import { SourceError, type Resolution } from '../sources/source.ts';
import { ConfigError } from './config.ts';

/** What the kubelet reads of a termination message, in bytes. */
export const mostReportBytes = 4096;
/** What the status of a Model holds (api/model.ts). */
const mostReportedFiles = 32;

type Failure = Extract<PullerReport, { failure: unknown }>['failure'];

/** Says what an error means to the operator and how to exit on it. */
export function failureOf(error: unknown): { failure: Failure; exitCode: number } {
  if (error instanceof ConfigError) {
    return { failure: { reason: 'PullerFailed', message: error.message }, exitCode: exitCodes.final };
  }
  const failure = describe(error);
  return { failure, exitCode: transientReasons.has(failure.reason) ? exitCodes.retryable : exitCodes.final };
}

function describe(error: unknown): Failure {
  if (error instanceof SourceError) return { reason: error.reason, message: error.message };
  if (error instanceof NotGgufError) return { reason: 'NotGGUF', message: error.message };
  if (error instanceof TruncatedGgufError) return { reason: 'TruncatedGGUF', message: error.message };
  return describeVolume(error) ?? unexpected(error);
}

/** What the file system says that no other pod would hear differently; undefined for anything else. */
function describeVolume(error: unknown): Failure | undefined {
  if (!(error instanceof Error && 'syscall' in error && 'code' in error)) return undefined;
  switch (error.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return {
        reason: 'InsufficientStorage',
        message: `The volume ran full while the files were written (${error.code}), of bytes or of files; another pull on it may have taken the room since this one looked. Raise spec.storage.size, or remove what else is on the volume.`,
      };
    case 'EFBIG':
      return {
        reason: 'InsufficientStorage',
        message: `The volume takes no file of this size (${error.code}). Choose a storage class with a file system that does, or a model that is split over several files.`,
      };
    case 'EROFS':
    case 'EACCES':
    case 'EPERM':
      return {
        reason: 'VolumeReadOnly',
        message: `The volume cannot be written to: ${error.message}. Check its access mode and mount options; the puller writes as the user and group of its pod.`,
      };
    default:
      return undefined;
  }
}

function unexpected(error: unknown): Failure {
  const problem = error instanceof Error ? error.message : String(error);
  return { reason: 'PullerFailed', message: `The puller failed unexpectedly: ${problem}` };
}

/**
 * The termination message. A message that is too long for it is cut, and of a publication some of the further pieces of
 * a split model are left out.
 */
export function encodeReport(report: PullerReport): string {
  const text = JSON.stringify(report);
  const excess = Buffer.byteLength(text) - mostReportBytes;
  if ('failure' in report && excess > 0) {
    const { reason, message } = report.failure;
    return encodeReport({ failure: { reason, message: shortened(message, excess) } });
  }
  if (!('publication' in report)) return text;
  const { publication } = report;
  if (excess > 0 && 'transfer' in report) return encodeReport({ publication });
  if (excess <= 0 && publication.files.length <= mostReportedFiles) return text;
  const lastPiece = publication.files.findLastIndex(({ role }) => role === 'piece');
  if (lastPiece >= 0) {
    return encodeReport({
      publication: { ...publication, files: publication.files.toSpliced(lastPiece, 1) },
    });
  }
  return encodeReport({ failure: describe(tooManyFiles(publication)) });
}

/**
 * Ends a pull before it begins whose publication no report could hold.
 * @throws SourceError AmbiguousFiles.
 */
export function checkReportable({
  revision,
  files,
  folder,
}: Pick<Resolution, 'revision' | 'folder'> & {
  readonly files: readonly { path: string; sizeBytes: number; role?: ModelFile['role'] }[];
}): void {
  const digest = 'sha256:'.padEnd(71, '0');
  const publication: Publication = {
    revision,
    digest,
    sizeBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    path: folder,
    fileCount: files.length,
    files: files.map(({ path, sizeBytes, role }) => ({
      path,
      sizeBytes,
      sha256: '0'.repeat(64),
      role: role ?? likelyRole(path),
    })),
  };
  if (encodeReport({ publication }).startsWith('{"failure"')) throw tooManyFiles(publication);
}

/** As long as any that a GGUF file can have. */
function likelyRole(path: string): ModelFile['role'] {
  if ((pieceInName(path)?.number ?? 1) > 1) return 'piece';
  return isGguf(path) ? 'projector' : undefined;
}

function tooManyFiles({ files }: Publication): SourceError {
  const bytes = Buffer.byteLength(JSON.stringify(files));
  return new SourceError(
    'AmbiguousFiles',
    `The source names ${files.length} files beside the pieces of a split model, with ${bytes} bytes of names and digests. At most ${mostReportedFiles} files with some ${mostReportBytes} bytes can be reported. Choose fewer of them.`,
  );
}

/** Drops at least so many bytes from the end, in whole characters, and says so by an ellipsis. */
function shortened(message: string, bytes: number): string {
  const characters = Array.from(message);
  for (let dropped = 0; dropped < bytes + 3 && characters.length > 0;) {
    dropped += Buffer.byteLength(characters.pop()!);
  }
  return `${characters.join('')}…`;
}
