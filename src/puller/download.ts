import type { Logger } from 'pino';
import { header, networkProblem, type HttpAnswer } from '../sources/http.ts';
import { waitMs, type Patience } from '../sources/retry.ts';
import { isTransient, SourceError, type Source, type SourceFile } from '../sources/source.ts';
import { hashFile, matches, rehash, type FileHash } from './hashing.ts';
import { PartialFile, type SyncInterval } from './partial.ts';
import type { Clock, ProgressTracker } from './progress.ts';

export interface DownloadContext {
  readonly source: Source;
  readonly revision: string;
  readonly patience: Patience;
  readonly now: Clock;
  readonly progress: ProgressTracker;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly syncInterval?: SyncInterval;
}

export interface Downloaded {
  /** The file, complete, verified and synced. */
  readonly path: string;
  readonly sha256: string;
}

const defaultSyncInterval: SyncInterval = { bytes: 16 << 20, ms: 5_000 };
const writeBytes = 1 << 20;
/** A download whose content is not what the source states is repeated once, from nothing. */
const attemptsAtContent = 2;

/** The source sent other content than it states, as far as that shows before the hash. */
class WrongContentError extends Error {
  override readonly name = 'WrongContentError';
}

/**
 * Downloads a file into a folder, going on where an earlier process stopped, and verifies it against its digest.
 * @throws SourceError: ChecksumMismatch, or the last one of those that were waited out; nothing of wrong content stays.
 */
export async function download(
  file: SourceFile,
  folder: string,
  context: DownloadContext,
): Promise<Downloaded> {
  const { log, progress, signal, now, syncInterval = defaultSyncInterval } = context;
  const partial = await PartialFile.open(folder, file, syncInterval, now);
  try {
    if (partial.length > 0) log.info({ file: file.path, from: partial.length }, 'resuming');
    for (let attempt = 1; ; attempt++) {
      const problem = await attemptOnce();
      if (typeof problem !== 'string') return { path: partial.path, sha256: problem.sha256 };
      progress.discarded(partial.length);
      await partial.clear();
      const message = `${file.path} of ${context.source.name}: ${problem}`;
      if (attempt === attemptsAtContent) {
        throw new SourceError(
          'ChecksumMismatch',
          `${message}. It was downloaded ${attempt} times and thrown away. A proxy or mirror may alter it.`,
        );
      }
      log.warn({ file: file.path }, `${message}; downloading it again`);
    }
  } finally {
    await partial.close();
  }

  /** @returns the hash, or what is wrong with the content. */
  async function attemptOnce(): Promise<{ sha256: string } | string> {
    const hashing = { current: hashFile(file) };
    await rehash(hashing.current, partial.path, partial.length, signal);
    try {
      await receiveAll(file, partial, hashing, context);
    } catch (error) {
      if (error instanceof WrongContentError) return error.message;
      throw error;
    } finally {
      await partial.sync();
    }
    const hash = hashing.current.finish();
    return matches(hash, file.digest)
      ? { sha256: hash.sha256 }
      : `its ${file.digest.algorithm} is ${hash.stated}, and the source states ${file.digest.hex}`;
  }
}

/** The hash of what a partial file holds; replaced when that is thrown away. */
interface Hashing {
  current: FileHash;
}

/** Repeats `receive` until the file is complete. Waits grow while nothing arrives, and start over when something does. */
async function receiveAll(
  file: SourceFile,
  partial: PartialFile,
  hashing: Hashing,
  context: DownloadContext,
): Promise<void> {
  const { patience, log } = context;
  for (let failures = 0; partial.length < file.sizeBytes;) {
    const before = partial.length;
    try {
      await receive(file, partial, hashing, context);
    } catch (error) {
      if (!isTransient(error)) throw error;
      failures = partial.length > before ? 1 : failures + 1;
      if (failures >= patience.tries) throw error;
      const wait = waitMs(failures, patience.random, error.retryAfterSeconds);
      log.warn({ file: file.path, at: partial.length, failures, waitMs: Math.round(wait) }, error.message);
      await patience.sleep(wait);
    }
  }
}

/** One request for all that is missing. */
async function receive(
  file: SourceFile,
  partial: PartialFile,
  hashing: Hashing,
  { source, revision, progress, signal }: DownloadContext,
): Promise<void> {
  const start = partial.length;
  const answer = await source.open(revision, file, resumeRange(partial), signal);
  const etag = header(answer.headers, 'etag');
  try {
    if (answer.status === 206 && start > 0) {
      checkRange(answer, start, file);
      if (partial.etag !== undefined && etag !== undefined && etag !== partial.etag) {
        await startOver();
        throw new SourceError('SourceUnreachable', `${file.path} changed while it was downloaded.`);
      }
    } else if (answer.status === 200) {
      checkLength(answer, file);
      if (start > 0) await startOver();
    } else {
      throw new SourceError(
        'SourceUnreachable',
        `${answer.origin} answered ${answer.status} for ${file.path}.`,
      );
    }
    partial.belongsTo(etag);
    await write(answer);
  } finally {
    answer.body.destroy();
  }
  if (partial.length < file.sizeBytes) {
    throw new SourceError(
      'SourceUnreachable',
      `${answer.origin} ended ${file.path} after ${partial.length} of ${file.sizeBytes} bytes.`,
    );
  }

  async function startOver(): Promise<void> {
    progress.discarded(partial.length);
    await partial.clear();
    hashing.current = hashFile(file);
  }

  async function write({ body, origin }: HttpAnswer): Promise<void> {
    const block = Buffer.allocUnsafe(writeBytes);
    let filled = 0;
    const flush = async (): Promise<void> => {
      const bytes = block.subarray(0, filled);
      filled = 0;
      hashing.current.update(bytes);
      await partial.append(bytes);
      progress.wrote(bytes.byteLength);
    };
    try {
      for await (const chunk of received(body, origin, signal)) {
        if (partial.length + filled + chunk.byteLength > file.sizeBytes) {
          throw new WrongContentError(`it is longer than the ${file.sizeBytes} bytes that the source states`);
        }
        for (let taken = 0; taken < chunk.byteLength;) {
          const copied = chunk.copy(block, filled, taken);
          filled += copied;
          taken += copied;
          if (filled === writeBytes) await flush();
        }
      }
    } catch (error) {
      // What arrived before a connection broke need not arrive again.
      if (isTransient(error) || signal.aborted) await flush();
      throw error;
    }
    await flush();
  }
}

/** The body's chunks; a connection that breaks or stalls is a SourceError, so that it is not taken for a full disk. */
async function* received(
  body: HttpAnswer['body'],
  origin: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (cause) {
    signal.throwIfAborted();
    throw new SourceError(
      'SourceUnreachable',
      `The connection to ${origin} broke: ${networkProblem(cause)}.`,
      {
        cause,
      },
    );
  }
}

function resumeRange({ length, etag }: PartialFile): { start: number; ifRange?: string } | undefined {
  if (length === 0) return undefined;
  // A weak ETag says nothing about bytes: RFC 9110, section 13.1.5.
  const strong = etag !== undefined && !etag.startsWith('W/');
  return { start: length, ...(strong ? { ifRange: etag } : {}) };
}

function checkRange({ headers, origin }: HttpAnswer, start: number, { path, sizeBytes }: SourceFile): void {
  const range = header(headers, 'content-range') ?? 'none';
  if (range === `bytes ${start}-${sizeBytes - 1}/${sizeBytes}`) return;
  const total = /^bytes \d+-\d+\/(\d+)$/.exec(range)?.[1];
  if (total !== undefined && Number(total) !== sizeBytes) {
    throw new WrongContentError(`${origin} has ${total} bytes of it, and the source states ${sizeBytes}`);
  }
  throw new SourceError(
    'SourceUnreachable',
    `${origin} answered with range "${range}" of ${path}, from ${start} on asked.`,
  );
}

function checkLength({ headers, origin }: HttpAnswer, { sizeBytes }: SourceFile): void {
  const length = header(headers, 'content-length');
  if (length !== undefined && Number(length) !== sizeBytes) {
    throw new WrongContentError(`${origin} has ${length} bytes of it, and the source states ${sizeBytes}`);
  }
}
