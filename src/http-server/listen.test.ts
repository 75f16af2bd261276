import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fastify } from 'fastify';
import { describe, expect, it, onTestFinished } from 'vitest';
import { listenEverywhere } from './listen.ts';

/** A server on whose machine these hosts fail with this code. */
function listening(code: string, fails: readonly string[]) {
  const tried: string[] = [];
  return {
    tried,
    listen: async ({ port, host }: { port: number; host: string }) => {
      tried.push(host);
      if (fails.includes(host)) throw Object.assign(new Error(code), { code });
      return `http://${host}:${port}`;
    },
  };
}

/** Whether this machine has the address. */
async function has(host: string): Promise<boolean> {
  const server = createServer().listen(0, host);
  const works = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.close();
  return works;
}

describe('listening everywhere', () => {
  it('is on every address that the machine has', async () => {
    const app = fastify();
    onTestFinished(() => app.close());
    app.get('/', () => 'here');
    await listenEverywhere(app, 0);
    const { port } = app.server.address() as AddressInfo;
    const asked = (await has('::1')) ? ['127.0.0.1', '[::1]'] : ['127.0.0.1'];
    for (const host of asked) expect(await (await fetch(`http://${host}:${port}`)).text()).toBe('here');
  });

  it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL'])('does without IPv6 where there is none: %s', async (code) => {
    const server = listening(code, ['::']);
    expect(await listenEverywhere(server, 8080)).toBe('http://0.0.0.0:8080');
  });

  it('fails where the port is taken, and does not hide it', async () => {
    const server = listening('EADDRINUSE', ['::']);
    await expect(listenEverywhere(server, 8080)).rejects.toThrow('EADDRINUSE');
    expect(server.tried).toEqual(['::']);
  });
});
