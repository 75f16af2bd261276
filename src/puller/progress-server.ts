import { createServer, type Server } from 'node:http';
import type { PullerProgress } from '../protocols/puller.ts';

/** Serves `GET /progress`. @returns the server and the port, which is the system's choice for port 0. */
export async function serveProgress(
  port: number,
  read: () => PullerProgress,
): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/progress') {
      response.writeHead(404).end();
      return;
    }
    response
      .writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify(read()));
  });
  // The pull ends the process, never a client that keeps its connection.
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, resolve);
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : port };
}
