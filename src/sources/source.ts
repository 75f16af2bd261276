import type { HttpAnswer } from './http.ts';
import type { PullerReason } from '../protocols/puller.ts';

/** How the source states what a file contains. LFS files have a sha256; small ones only git's blob id. */
export type Digest =
  | { readonly algorithm: 'sha256'; readonly hex: string }
  | { readonly algorithm: 'git-sha1'; readonly hex: string };

export interface SourceFile {
  /** Relative to the root of the repository, checked by `isSafePath`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** What a name stands for: a pinned revision and the files chosen from it. */
export interface Resolution {
  /** A full commit id, never a branch. */
  readonly revision: string;
  /** In the order in which a server should see them: the first GGUF file is the one it loads. */
  readonly files: readonly SourceFile[];
}

/** Where a source's files appear on the volume, beside the blobs. */
export interface Placement {
  /** Relative to the root of the volume, e.g. `hub/models--owner--name`. */
  readonly repoFolder: string;
  /** The branch or tag that was asked for. */
  readonly ref: string;
}

export interface ByteRange {
  readonly start: number;
  /** Inclusive, as in HTTP. */
  readonly end?: number;
  /** A strong ETag: the source answers with the whole file when its content is no longer this one. */
  readonly ifRange?: string;
}

/** One place that weights come from. Every method fails with a `SourceError`. */
export interface Source {
  /** The source as one line, for messages. */
  readonly name: string;
  readonly placement: Placement;
  /** Asks what the name stands for; with `revision`, a commit that an earlier call found, nothing is pinned anew. */
  resolve(revision?: string): Promise<Resolution>;
  /**
   * Opens a file of the resolved revision: status 200 with the whole file, or 206 with the range. Every call follows
   * the redirects anew, so an expired signed address is mended by calling again.
   */
  open(revision: string, file: SourceFile, range?: ByteRange, signal?: AbortSignal): Promise<HttpAnswer>;
}

/** Anything that keeps a pull from ending well, with its reason and a message for a person. */
export class SourceError extends Error {
  readonly reason: PullerReason;
  /** How long the source asks to be left alone. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    reason: PullerReason,
    message: string,
    options: ErrorOptions & { retryAfterSeconds?: number } = {},
  ) {
    super(message, options);
    this.name = 'SourceError';
    this.reason = reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** Whether the same request may succeed a moment later. */
export function isTransient(error: unknown): error is SourceError {
  return (
    error instanceof SourceError && (error.reason === 'SourceUnreachable' || error.reason === 'RateLimited')
  );
}
