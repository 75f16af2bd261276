import { Readable } from 'node:stream';

/** Server-sent events as OpenAI sends them: https://html.spec.whatwg.org/multipage/server-sent-events.html */
export const sseHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  // nginx and proxies that follow it would collect the stream otherwise
  'x-accel-buffering': 'no',
} as const;

const done = 'data: [DONE]\n\n';

/** One event; JSON has no line ends in it, so one data line is enough. */
export const sseEvent = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`;

const namedEvent = (event: { type: string }) => `event: ${event.type}\n${sseEvent(event)}`;

/**
 * A stream of events that ends with [DONE]. Headers are out by then, so an error becomes an event of its own, the last.
 * @param describe what the client is told of an error
 */
export function sseStream(events: AsyncIterable<unknown>, describe: (error: unknown) => unknown): Readable {
  return readable(frames(events, sseEvent, describe, done));
}

/** A stream whose events have names, and end without another word, as those of responses do. */
export function namedSseStream<Event extends { type: string }>(
  events: AsyncIterable<Event>,
  describe: (error: unknown) => Event,
): Readable {
  return readable(frames(events, namedEvent, describe, ''));
}

export const readable = (text: AsyncIterable<string>) =>
  Readable.from(text, { objectMode: true, highWaterMark: 1 });

/** What streams are made of: each event as it is written, an error as the last of them. */
export async function* frames<Event>(
  events: AsyncIterable<Event>,
  write: (event: Event) => string,
  describe: (error: unknown) => Event,
  end: string,
) {
  try {
    for await (const event of events) yield write(event);
    if (end !== '') yield end;
  } catch (error) {
    yield write(describe(error));
  }
}
