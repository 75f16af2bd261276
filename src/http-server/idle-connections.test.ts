import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { idleConnections } from './idle-connections.ts';

describe('idleConnections', () => {
  it('ends what was never used and what is idle, and leaves a request its answer', async () => {
    let answer: (() => void) | undefined;
    const server = createServer((request, response) => {
      if (request.url === '/slow') answer = () => response.end('done');
      else response.end('at once');
    });
    const endIdle = idleConnections(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => server.closeAllConnections());
    const { port } = server.address() as AddressInfo;
    const open = async (path?: string) => {
      const socket = connect(port, '127.0.0.1').setEncoding('utf8');
      let text = '';
      socket.on('data', (data) => (text += data));
      await once(socket, 'connect');
      if (path) socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
      return { socket, text: () => text };
    };
    const [unused, used, waiting] = await Promise.all([open(), open('/'), open('/slow')]);
    await expect.poll(used.text).toContain('at once');
    await expect.poll(() => answer).toBeDefined();

    const closed = once(server, 'close');
    const ended = Promise.all([once(unused.socket, 'close'), once(used.socket, 'close')]);
    server.close();
    endIdle();
    await ended;
    expect(waiting.socket.closed).toBe(false);
    answer?.();
    await expect.poll(waiting.text).toContain('done');
    endIdle();
    await closed;
  });
});
