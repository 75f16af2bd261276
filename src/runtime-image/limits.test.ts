import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Engine, GenerationEvent } from './engine.ts';
import { createMetrics } from './metrics.ts';
import { createServer } from './server.ts';
import { newState } from './state.ts';
import { anEnd, fakeEngine } from './testing/fake-engine.ts';

/** Longer than a busy machine lets a process wait. */
const limits = { request: 2000, idle: 100, stalled: 1000 };

/** @param events what every request is answered with */
async function listening(events: () => AsyncIterable<GenerationEvent>) {
  const state = newState('gemma', new Date());
  const { engine } = fakeEngine();
  const start: Engine['start'] = async () => ({ promptTokens: 1, events: events() });
  state.engine = { ...engine, start };
  const app = createServer(state, createMetrics(state), pino({ level: 'silent' }), undefined, limits);
  await app.listen({ port: 0, host: '127.0.0.1' });
  onTestFinished(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const open = async () => {
    const socket = connect(port, '127.0.0.1')
      .setEncoding('utf8')
      .on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  return { open, connections: promisify(app.server.getConnections.bind(app.server)) };
}

const completion = (body: object) => {
  const text = JSON.stringify({ prompt: 'x', ...body });
  return `POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
};

/** What comes until the connection ends, or `until` is in it. */
async function read(socket: Socket, until?: string): Promise<string> {
  let text = '';
  socket.on('data', (data) => (text += String(data)));
  const ended = once(socket, 'close').then(() => true);
  for (;;) {
    if (until !== undefined && text.includes(until)) return text;
    if (await Promise.race([ended, delay(10, false)])) return text;
  }
}

async function* large(): AsyncGenerator<GenerationEvent> {
  for (let i = 0; i < 1000; i++) yield { type: 'text', text: 'x'.repeat(64 << 10) };
  yield anEnd();
}

describe('a server', { timeout: 30_000 }, () => {
  it.each([true, false])(
    'ends the connection of a client that does not read its answer, streamed: %j',
    async (stream) => {
      const { open, connections } = await listening(large);
      const socket = await open();
      socket.pause();
      socket.write(completion({ stream }));
      await expect.poll(connections).toBe(1);
      await expect.poll(connections, { timeout: 10_000 }).toBe(0);
    },
  );

  it('lets a client wait that waits for an answer', async () => {
    const { open } = await listening(async function* () {
      await delay(1.5 * limits.stalled);
      yield { type: 'text', text: 'at last' };
      await delay(1.5 * limits.stalled);
      yield anEnd();
    });
    const socket = await open();
    socket.write(completion({ stream: true }));
    expect(await read(socket, '[DONE]')).toContain('at last');
  });

  it('ends a connection on which nothing is asked, and one that has had its answer', async () => {
    const { open, connections } = await listening(async function* () {
      yield anEnd();
    });
    const [unused, used] = await Promise.all([open(), open()]);
    used.write(completion({}));
    expect(await read(used, 'finish_reason')).toContain('200 OK');
    await Promise.all([read(unused), read(used)]);
    await expect.poll(connections).toBe(0);
  });

  it.each([
    ['head', 'POST /v1/completions HTTP/1.1\r\n', 'x-a: b\r\n'],
    [
      'body',
      'POST /v1/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n\r\n',
      ' ',
    ],
  ])('does not wait for ever for the %s of a request', async (_what, begin, more) => {
    const { open } = await listening(large);
    const socket = await open();
    socket.write(begin);
    // It comes in drops, so the connection is never still.
    const drops = setInterval(() => socket.write(more), limits.stalled / 4);
    onTestFinished(() => clearInterval(drops));
    expect(await read(socket)).toContain('408 Request Timeout');
  });

  it('refuses a head that is too large', async () => {
    const { open } = await listening(large);
    const socket = await open();
    socket.write(`GET /v1/models HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(await read(socket)).toContain('431 ');
  });
});
