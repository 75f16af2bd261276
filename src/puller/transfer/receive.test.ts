import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import type { HttpAnswer } from '../../sources/http/http.ts';
import { receiveBody } from './receive.ts';

it('frees the memory of what was written, except what something else shares', async () => {
  const alone = Buffer.from(new ArrayBuffer(10)).fill('a');
  const shared = new ArrayBuffer(25);
  const pieces = [Buffer.from(shared, 0, 10).fill('b'), Buffer.from(shared, 10, 15).fill('c')];
  const body = new Readable({ read() {} }) as HttpAnswer['body'];
  for (const chunk of [alone, ...pieces, null]) body.push(chunk);
  const written: string[] = [];
  await receiveBody(
    { body, origin: 'http://a.test' },
    { kind: 'part', start: 0, end: 35, etag: undefined },
    { path: 'm.gguf' },
    {
      write: async (buffers) => {
        written.push(Buffer.concat(buffers).toString());
      },
      arrived: () => {},
      now: () => 0,
      signal: new AbortController().signal,
    },
  );
  expect(written.join('')).toBe(`${'a'.repeat(10)}${'b'.repeat(10)}${'c'.repeat(15)}`);
  expect(alone.buffer.byteLength).toBe(0);
  expect(shared.byteLength).toBe(25);
});
