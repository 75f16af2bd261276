/** Content over HTTP: ranges, validators, and the faults a test may order. RFC 9110, sections 13 and 14. */
import { createReadStream } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { answer, startAnswer } from './exchange.ts';
import type { Exchange, Headers } from './exchange.ts';

/** Without an ETag none is stated. */
export type Source = { content: Uint8Array | { file: string }; size: number; etag?: string };

/** Shared by every answer of a server and read anew for every piece, so a change works on running answers. */
export type Line = {
  /** Bytes per second of one connection; undefined for as fast as it goes. */
  bytesPerSecond: number | undefined;
  /** The next `times` answers longer than `bytes` end after `bytes` bytes: the connection breaks, or falls silent. */
  interrupt: { bytes: number; times: number; how: Interruption };
  /** The next `times` answers are this status and nothing else. */
  fail: { status: number; times: number };
  /** Whether a Range header is heeded; without, every answer is whole. */
  ranges: boolean;
  /** Whether the length of an answer is told before it. */
  lengths: boolean;
};

/** `reset` is what a router does that has forgotten a connection; `end` looks like the end of the content. */
export type Interruption = 'cut' | 'reset' | 'stall' | 'end';

/** A line without limit or fault. */
export function goodLine(bytesPerSecond?: number): Line {
  return {
    bytesPerSecond,
    interrupt: { bytes: 0, times: 0, how: 'cut' },
    fail: { status: 503, times: 0 },
    ranges: true,
    lengths: true,
  };
}

/** What a test may do to a line while it serves. */
export type LineControls = {
  /** Bytes per second of each connection, those already open too. */
  setThrottle(bytesPerSecond: number | undefined): void;
  /**
   * The next `times` answers longer than `bytes` end after that many bytes of body: the connection breaks
   * (`cut`, the default), or stays open and silent (`stall`).
   */
  interruptAfter(bytes: number, times: number, how?: Interruption): void;
  /** Whether Range is heeded; while not, the answer is 200 with the whole file. */
  setRanges(heeded: boolean): void;
};

export function controlsOf(line: Line): LineControls {
  return {
    setThrottle: (bytesPerSecond) => {
      line.bytesPerSecond = bytesPerSecond;
    },
    interruptAfter: (bytes, times, how = 'cut') => {
      line.interrupt = { bytes, times, how };
    },
    setRanges: (heeded) => {
      line.ranges = heeded;
    },
  };
}

/** Inclusive at both ends, as in the header. */
export type ByteRange = { start: number; end: number };

const pieceBytes = 256 * 1024;

/**
 * What a Range header asks of `size` bytes. A header that cannot be read, or that asks for several ranges, is
 * ignored, as section 14.2 allows.
 */
export function parseRange(header: string | undefined, size: number): ByteRange | 'whole' | 'unsatisfiable' {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [first, last] = [match?.[1] ?? '', match?.[2] ?? ''];
  if (first === '' && last === '') return 'whole';
  if (first === '') {
    const suffix = Math.min(Number(last), size);
    return suffix === 0 ? 'unsatisfiable' : { start: size - suffix, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return 'whole';
  return start >= size ? 'unsatisfiable' : { start, end };
}

/** Answers GET and HEAD with the content, or the part of it the request asks for. */
export async function serveBytes(
  exchange: Exchange,
  source: Source,
  headers: Headers,
  line: Line,
): Promise<void> {
  const { request } = exchange;
  const { etag } = source;
  const common: Headers = { ...headers, ...(etag !== undefined && { ETag: etag }), 'Accept-Ranges': 'bytes' };
  if (etag !== undefined && request.headers['if-none-match'] === etag) return answer(exchange, 304, common);
  const condition = request.headers['if-range'];
  const holds = line.ranges && (condition === undefined || condition === etag);
  const wanted = holds ? request.headers.range : undefined;
  const range = parseRange(wanted, source.size);
  if (range === 'unsatisfiable') {
    return answer(exchange, 416, { ...common, 'Content-Range': `bytes */${source.size}` });
  }
  const { start, end } = range === 'whole' ? { start: 0, end: source.size - 1 } : range;
  const length = end - start + 1;
  const sized: Headers = {
    'Content-Type': 'application/octet-stream',
    ...(line.lengths && { 'Content-Length': length }),
  };
  if (range === 'whole') startAnswer(exchange, 200, { ...common, ...sized });
  else
    startAnswer(exchange, 206, {
      ...common,
      ...sized,
      'Content-Range': `bytes ${start}-${end}/${source.size}`,
    });
  if (request.method === 'HEAD' || length === 0) exchange.response.end();
  else await send(exchange, source, { start, end }, line);
}

async function send(exchange: Exchange, source: Source, range: ByteRange, line: Line): Promise<void> {
  const { response, record } = exchange;
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  const length = range.end - range.start + 1;
  const { bytes, times, how } = line.interrupt;
  const interrupted = times > 0 && length > bytes;
  if (interrupted) line.interrupt.times -= 1;
  const last = interrupted ? range.start + bytes - 1 : range.end;
  let due = performance.now();
  for await (const piece of pieces(source, { start: range.start, end: last }, line)) {
    if (closed.signal.aborted) return;
    await write(response, piece, closed.signal);
    record.sentBytes += piece.byteLength;
    if (line.bytesPerSecond === undefined) continue;
    due = Math.max(due, performance.now() - 1000) + (piece.byteLength / line.bytesPerSecond) * 1000;
    await sleep(Math.max(0, due - performance.now()), undefined, { signal: closed.signal }).catch(() => {});
  }
  if (!interrupted || how === 'end') response.end();
  else if (how === 'cut') response.destroy();
  else if (how === 'reset') response.socket?.resetAndDestroy();
}

async function* pieces(source: Source, range: ByteRange, line: Line): AsyncGenerator<Uint8Array> {
  if (range.end < range.start) return;
  const blocks =
    source.content instanceof Uint8Array
      ? [source.content.subarray(range.start, range.end + 1)]
      : (createReadStream(source.content.file, {
          ...range,
          highWaterMark: pieceBytes,
        }) as AsyncIterable<Buffer>);
  for await (const block of blocks) {
    for (let at = 0; at < block.byteLength;) {
      // Ten pieces a second at least, so that a slow line is smooth and obeys a change soon.
      const step = Math.max(1, Math.min(pieceBytes, Math.floor((line.bytesPerSecond ?? Infinity) / 10)));
      yield block.subarray(at, at + step);
      at += step;
    }
  }
}

/** Resolves once the kernel has the bytes, so a cut connection has delivered them; or when the client left. */
function write(response: ServerResponse, piece: Uint8Array, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      closed.removeEventListener('abort', done);
      resolve();
    };
    closed.addEventListener('abort', done);
    response.write(piece, done);
  });
}
