import { header, networkProblem, type HttpAnswer } from '../../sources/http/http.ts';
import { SourceError, type SourceFile } from '../../sources/source.ts';
import type { Interval } from './intervals.ts';
import type { Clock } from '../progress/progress.ts';

/** The source sent other content than it states, as far as that shows before the hash. */
export class WrongContentError extends Error {
  override readonly name = 'WrongContentError';
}

/** Which bytes of a file an answer brings, and of which content: the ETag is undefined where none is stated. */
export interface Answered {
  readonly kind: 'part' | 'whole';
  readonly start: number;
  /** Where it must end, or what comes is not taken. */
  readonly end: number;
  readonly etag: string | undefined;
}

/**
 * Reads the head of an answer to a request for a part. RFC 9110, sections 14.4 and 15.3.7; a server may answer with the
 * whole file, and with less than was asked.
 * @throws WrongContentError where it is another file, SourceError for what another try may bring.
 */
export function checkAnswer(answer: HttpAnswer, [start, end]: Interval, file: SourceFile): Answered {
  const { status, headers, origin } = answer;
  const { path, sizeBytes } = file;
  const etag = header(headers, 'etag');
  refuseWebPage(answer, file);
  if (status === 200) {
    const length = header(headers, 'content-length');
    if (length !== undefined && Number(length) !== sizeBytes) throw otherSize(origin, length, file);
    return { kind: 'whole', start: 0, end: sizeBytes, etag };
  }
  if (status !== 206) {
    throw new SourceError('SourceUnreachable', `${origin} answered ${status} for ${path}.`, { status });
  }
  const range = header(headers, 'content-range') ?? 'none';
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range) ?? [];
  if (total !== undefined && total !== '*' && Number(total) !== sizeBytes)
    throw otherSize(origin, total, file);
  if (Number(first) !== start || !(Number(last) < end)) {
    throw new SourceError(
      'SourceUnreachable',
      `${origin} answered with range "${range}" of ${path}, and bytes ${start}-${end - 1} were asked for.`,
    );
  }
  return { kind: 'part', start, end: Number(last) + 1, etag };
}

function otherSize(origin: string, bytes: string, { sizeBytes }: SourceFile): WrongContentError {
  return new WrongContentError(`${origin} has ${bytes} bytes of it, and the source states ${sizeBytes}`);
}

/** @throws SourceError SourceUnreachable for an answer that a browser would show, and that is not the file. */
export function refuseWebPage({ headers, origin }: HttpAnswer, { path }: SourceFile): void {
  if (!/^text\/html\b/i.test(header(headers, 'content-type') ?? '') || /\.x?html?$/i.test(path)) return;
  throw new SourceError(
    'SourceUnreachable',
    `${origin} answered with a web page instead of ${path}. A proxy, or a page to log in at, may stand between.`,
  );
}

/** What is handed over at once: large against the cost of a write, small against what connections hold together. */
const batchBytes = 512 << 10;
/** On a slow line what came in this time is handed over. */
const batchMs = 1_000;

interface Receiver {
  /** Takes bytes that belong at a position; they are gone when it has resolved. */
  readonly write: (buffers: readonly Uint8Array[], position: number) => Promise<void>;
  /** Is told at once, before anything is done with the bytes. */
  readonly arrived: (bytes: number) => void;
  readonly now: Clock;
  readonly signal: AbortSignal;
}

/**
 * Brings a body to where it belongs, in batches; the next one fills while one is written. What arrived before a
 * connection broke is written too.
 * @throws WrongContentError for more than the head announced; SourceError for a connection that breaks or ends early;
 *   what `write` throws.
 */
export async function receiveBody(
  { body, origin }: Pick<HttpAnswer, 'body' | 'origin'>,
  { start, end, kind }: Answered,
  { path }: Pick<SourceFile, 'path'>,
  { write, arrived, now, signal }: Receiver,
): Promise<void> {
  let at = start;
  try {
    for await (const { chunks, bytes } of batchesOf(body, arrived, now)) {
      if (at + bytes > end) throw tooLong(kind, origin, path, end - start);
      await write(chunks, at);
      at += bytes;
      for (const chunk of chunks) giveBack(chunk);
    }
  } catch (error) {
    if (!(error instanceof BrokenBody)) throw error;
    signal.throwIfAborted();
    const { cause } = error;
    const problem = networkProblem(cause);
    throw new SourceError('SourceUnreachable', `The connection to ${origin} broke: ${problem}.`, { cause });
  }
  if (at < end) {
    throw new SourceError(
      'SourceUnreachable',
      `${origin} ended ${path} at byte ${at}, and ${end} were to come.`,
    );
  }
}

/**
 * Frees the memory of a chunk. Left to the collector it would be gone over with everything else each time that some
 * tens of megabytes have come, which is a fifth of what a download costs. What the chunk shares its buffer with may
 * still be needed.
 */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function tooLong(kind: Answered['kind'], origin: string, path: string, bytes: number): Error {
  const problem = `it is longer than the ${bytes} bytes that ${origin} announced`;
  return kind === 'whole'
    ? new WrongContentError(problem)
    : new SourceError('SourceUnreachable', `Of ${path}, a part was sent, and ${problem}.`);
}

/** So that a connection is not taken for a disk, and a disk not for a connection. */
class BrokenBody extends Error {
  override readonly name = 'BrokenBody';
}

/**
 * Takes what arrives out of the stream at once, since an error throws away what a stream holds. While two batches wait
 * the stream is paused.
 */
async function* batchesOf(
  body: HttpAnswer['body'],
  arrived: (bytes: number) => void,
  now: Clock,
): AsyncGenerator<{ chunks: Uint8Array[]; bytes: number }> {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let since = now();
  let ended: { error?: unknown } | undefined;
  let wake: () => void = () => {};
  const end = (how: { error?: unknown }): void => {
    ended ??= how;
    wake();
  };
  body.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    arrived(chunk.byteLength);
    if (bytes >= 2 * batchBytes) body.pause();
    if (isDue()) wake();
  });
  body.once('end', () => end({}));
  body.once('error', (error) => end({ error }));
  body.once('close', () => end({ error: new Error('closed before its end') }));
  const isDue = (): boolean =>
    bytes >= batchBytes || (bytes > 0 && now() - since >= batchMs) || ended !== undefined;

  for (;;) {
    if (!isDue()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const batch = { chunks, bytes };
    chunks = [];
    bytes = 0;
    since = now();
    if (batch.bytes > 0) yield batch;
    else if (ended !== undefined) {
      if ('error' in ended) throw new BrokenBody('the body broke', { cause: ended.error });
      return;
    }
    if (body.isPaused()) body.resume();
  }
}
