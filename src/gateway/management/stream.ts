import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ndjsonHeaders } from '../../http-server/ndjson.ts';
import { eventStream, type Content } from '../../http-server/openapi/operation.ts';
import { Refusal, refusalOf } from '../../http-server/refusal.ts';
import { frames, readable, sseEvent, sseHeaders } from '../../http-server/sse.ts';
import { Progress } from './progress.ts';

/** A line that says what went wrong, the last of a stream: headers are out by then. */
const Failure = z.object({ error: z.string() }).meta({ title: 'Failure' });
type Failure = z.infer<typeof Failure>;

/** What `answerWith` answers. */
export const progressAnswers: readonly Content[] = [
  { type: 'application/x-ndjson', each: Progress, error: Failure },
  { type: eventStream, each: Progress, error: Failure },
  { type: 'application/json', whole: Progress },
];

const line = (data: unknown): string => `${JSON.stringify(data)}\n`;
const describe = (error: unknown): Failure => ({ error: refusalOf(error).message });

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
  const isEvents = request.headers.accept?.includes(eventStream) === true;
  const write = isEvents ? sseEvent : line;
  void reply
    .headers(isEvents ? sseHeaders : ndjsonHeaders)
    .send(readable(frames<Progress | Failure>(lines, write, describe, '')));
  reply.raw.flushHeaders();
  return reply;
}

async function lastOf(lines: AsyncIterable<Progress>): Promise<Progress> {
  let last: Progress | undefined;
  for await (const line of lines) last = line;
  if (last) return last;
  throw new Refusal(503, 'The gateway is shutting down. Ask again: the pull goes on.', {
    code: 'shutting_down',
  });
}
