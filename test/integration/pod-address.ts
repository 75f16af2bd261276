import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Listener {
  address: string;
  close(): void;
}

/** What is asked is answered with: JSON, an error, or by the function itself. */
export type Answers = (request: IncomingMessage, response: ServerResponse) => object | 'answered' | undefined;

/**
 * A web server at a fixed port on a loopback address of its own, as each pod has one. Linux takes all of 127.0.0.0/8;
 * an address that is in use by another test run is passed over.
 */
export async function listenOnLoopback(port: number, answer: Answers): Promise<Listener> {
  for (;;) {
    const address = `127.${10 + random(240)}.${random(256)}.${1 + random(254)}`;
    const server = createServer((request, response) => {
      const body = answer(request, response);
      if (body === 'answered') return;
      response.writeHead(body ? 200 : 503, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body ?? {}));
    });
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(false) : reject(error),
    );
    server.listen(port, address, () => resolve(true));
    if (!(await promise)) continue;
    server.unref();
    const close = (): void => {
      server.close();
      server.closeAllConnections();
    };
    return { address, close };
  }
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
