import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Refusal, refusalOf } from '../refusal.ts';
import type { Progress } from './progress.ts';

/** A line that says what went wrong, the last of a stream: headers are out by then. */
interface Failure {
  error: string;
}

/**
 * Answers with lines as they come: NDJSON, or events where the client accepts those; or, unstreamed, with the last line
 * alone, and an error where that is one.
 */
export async function answerWith(
  request: FastifyRequest,
  reply: FastifyReply,
  lines: AsyncIterable<Progress>,
  stream: boolean,
): Promise<FastifyReply> {
  if (!stream) return reply.send(await lastOf(lines));
  const isEvents = request.headers.accept?.includes('text/event-stream') === true;
  const write = (line: Progress | Failure): string =>
    isEvents ? `data: ${JSON.stringify(line)}\n\n` : `${JSON.stringify(line)}\n`;
  void reply
    .type(isEvents ? 'text/event-stream; charset=utf-8' : 'application/x-ndjson')
    .header('cache-control', 'no-cache')
    // nginx and proxies that follow it would collect the stream otherwise
    .header('x-accel-buffering', 'no')
    .send(Readable.from(written(lines, write), { objectMode: true, highWaterMark: 1 }));
  reply.raw.flushHeaders();
  return reply;
}

async function* written(
  lines: AsyncIterable<Progress>,
  write: (line: Progress | Failure) => string,
): AsyncGenerator<string> {
  try {
    for await (const line of lines) yield write(line);
  } catch (error) {
    yield write({ error: refusalOf(error).message });
  }
}

async function lastOf(lines: AsyncIterable<Progress>): Promise<Progress> {
  let last: Progress | undefined;
  for await (const line of lines) last = line;
  if (last) return last;
  throw new Refusal(503, 'The gateway is shutting down. Ask again: the pull goes on.', {
    code: 'shutting_down',
  });
}
