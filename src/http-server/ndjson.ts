import type { Readable } from 'node:stream';
import { frames, readable } from './sse.ts';

/** A line of JSON for each thing, as Ollama streams: https://github.com/ndjson/ndjson-spec */
export const ndjsonHeaders = {
  'content-type': 'application/x-ndjson',
  'cache-control': 'no-cache',
  // nginx and proxies that follow it would collect the stream otherwise
  'x-accel-buffering': 'no',
} as const;

const line = (data: unknown) => `${JSON.stringify(data)}\n`;

/** Headers are out by the time of an error, so it becomes a line of its own, the last. */
export function ndjsonStream(
  things: AsyncIterable<unknown>,
  describe: (error: unknown) => unknown,
): Readable {
  return readable(frames(things, line, describe, ''));
}
