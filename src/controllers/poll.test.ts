import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Pod } from '../kube/builtin.ts';
import type { Live } from '../kube/kind.ts';
import { pollPod } from './poll.ts';

const pod = (status: Pod['status']): Live<Pod> => ({
  metadata: { name: 'p', namespace: 'n', uid: 'u', resourceVersion: '1' },
  status,
});
const running = pod({ phase: 'Running', podIP: '127.0.0.1' });

let server: Server | undefined;
afterEach(() => server?.close());

async function serve(listener: RequestListener): Promise<number> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('pollPod', () => {
  it('gives what the pod answers', async () => {
    const port = await serve((request, response) => response.end(JSON.stringify({ path: request.url })));
    expect(await pollPod(running, port, '/progress')).toEqual({ path: '/progress' });
  });

  it('asks no pod that does not run', async () => {
    let asked = 0;
    const fetch = async () => `${(asked += 1)}`;
    expect(await pollPod(pod({ phase: 'Pending' }), 1, '/', fetch)).toBeUndefined();
    expect(await pollPod(pod({ phase: 'Succeeded', podIP: '127.0.0.1' }), 1, '/', fetch)).toBeUndefined();
    expect(asked).toBe(0);
  });

  it('follows no redirect', async () => {
    const paths: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end('{}');
    });
    expect(await pollPod(running, port, '/progress')).toBeUndefined();
    expect(paths).toEqual(['/progress']);
  });

  it('hangs up on an answer that does not end', async () => {
    const closed = Promise.withResolvers<void>();
    const port = await serve((_request, response) => {
      response.on('close', closed.resolve);
      const more = (): void => {
        while (!response.destroyed && response.write(' '.repeat(1024)));
        response.once('drain', more);
      };
      more();
    });
    expect(await pollPod(running, port, '/progress')).toBeUndefined();
    await closed.promise;
  });

  it('gives nothing for an answer that is not JSON', async () => {
    const port = await serve((_request, response) => response.end('<html>'));
    expect(await pollPod(running, port, '/progress')).toBeUndefined();
  });
});
