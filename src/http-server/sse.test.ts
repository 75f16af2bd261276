import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { sseEvent, sseStream } from './sse.ts';

const describeError = (error: unknown) => ({ error: String(error) });

describe('sseEvent', () => {
  it('is one data line, whatever line ends the text has', () => {
    expect(sseEvent({ text: 'a\nb' })).toBe('data: {"text":"a\\nb"}\n\n');
  });
});

describe('sseStream', () => {
  it('ends with [DONE]', async () => {
    async function* two() {
      yield 1;
      yield 2;
    }
    expect(await text(sseStream(two(), describeError))).toBe('data: 1\n\ndata: 2\n\ndata: [DONE]\n\n');
  });

  it('tells an error on the way as an event and ends', async () => {
    async function* broken() {
      yield 1;
      throw new Error('out of memory');
    }
    expect(await text(sseStream(broken(), describeError))).toBe(
      'data: 1\n\ndata: {"error":"Error: out of memory"}\n\n',
    );
  });

  it('ends its source when the reader goes away', async () => {
    let ended = false;
    async function* endless() {
      try {
        for (;;) yield 'more';
      } finally {
        ended = true;
      }
    }
    const stream = sseStream(endless(), describeError);
    await stream[Symbol.asyncIterator]().next();
    stream.destroy();
    await expect.poll(() => ended).toBe(true);
  });
});
