import type { FileRole } from '../api/model-status.ts';
import type { GgufHeader } from '../gguf/header.ts';
import type { PullerReason } from '../protocols/puller.ts';
import type { HttpAnswer } from './http/http.ts';

/** How the source states what a file contains. LFS files have a sha256; small ones only git's blob id. */
export type Digest =
  | { readonly algorithm: 'sha256'; readonly hex: string }
  | { readonly algorithm: 'git-sha1'; readonly hex: string };

export interface SourceFile {
  /** Relative to the root of the repository, checked by `isSafePath`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
  /** As far as the source knows it; what a GGUF file is, its header says. */
  readonly role?: FileRole;
}

/** An archive that a source has in place of files. Its own path is a name for messages. */
export interface Archive extends SourceFile {
  readonly compression: 'none' | 'gzip' | 'zstd';
}

/** Files that are known by their archives only, until these are unpacked. */
export interface Archives {
  readonly archives: readonly Archive[];
  /** Whether a file is of any use; others are not kept. */
  readonly wants: (path: string) => boolean;
  /**
   * The files of the revision, from all that are wanted, in archives or not.
   * @throws SourceError as `resolve` would, did it know them.
   */
  readonly choose: (all: readonly SourceFile[]) => readonly SourceFile[];
}

/** What a name stands for: a pinned revision and the files chosen from it. */
export interface Resolution {
  /** A full commit id or the digest of a manifest, never a branch or tag. */
  readonly revision: string;
  /** In the order in which a server should see them: the first GGUF file is the one it loads. */
  readonly files: readonly SourceFile[];
  /** What holds further files; absent where `files` are all. */
  readonly packed?: Archives;
  /** Where the files appear on the volume beside the blobs, relative to its root; another revision has another. */
  readonly folder: string;
  /** Whether the source has a projector that is not among the files; undefined where only the files tell. */
  readonly hasProjector?: boolean;
  /** Small files that make other programs find these on the volume, such as the ref of a branch; written last. */
  readonly records: readonly VolumeRecord[];
}

export interface VolumeRecord {
  /** Relative to the root of the volume. */
  readonly path: string;
  readonly content: string;
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive, as in HTTP. */
  readonly end?: number;
}

/** One place that weights come from. Every method fails with a `SourceError`. */
export interface Source {
  /** The source as one line, for messages. */
  readonly name: string;
  /** Asks what the name stands for; with `revision`, which an earlier call found, nothing is pinned anew. */
  resolve(revision?: string): Promise<Resolution>;
  /**
   * Whether the name still stands for this revision, by a request or two without a list of files. Absent where that would
   * be no less work than `resolve`.
   */
  isStill?(revision: string): Promise<boolean>;
  /**
   * Opens a file of the resolved revision: status 200 with the whole file, or 206 with the range.
   */
  open(revision: string, file: SourceFile, range?: ByteRange, signal?: AbortSignal): Promise<HttpAnswer>;
  /** Throws UnsupportedModel for weights that this source has in a form which the runtime is sure not to load. */
  refuse?(model: GgufHeader): void;
}

/** Anything that keeps a pull from ending well, with its reason and a message for a person. */
export class SourceError extends Error {
  readonly reason: PullerReason;
  /** How long the source asks to be left alone. */
  readonly retryAfterSeconds: number | undefined;
  /** Of the answer that it comes from. */
  readonly status: number | undefined;

  constructor(
    reason: PullerReason,
    message: string,
    options: ErrorOptions & { retryAfterSeconds?: number; status?: number } = {},
  ) {
    super(message, options);
    this.name = 'SourceError';
    this.reason = reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.status = options.status;
  }
}

/** Whether the same request may succeed a moment later. */
export function isTransient(error: unknown): error is SourceError {
  return (
    error instanceof SourceError && (error.reason === 'SourceUnreachable' || error.reason === 'RateLimited')
  );
}
