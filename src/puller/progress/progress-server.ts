import { createServer, type Server } from 'node:http';
import { pullerMetrics } from './metrics.ts';
import type { ProgressTracker } from './progress.ts';

/**
 * Serves `GET /progress` for the operator and `GET /metrics` for Prometheus.
 * @returns the server and the port, which is the system's choice for port 0.
 */
export async function serveProgress(
  port: number,
  progress: Pick<ProgressTracker, 'read' | 'counts'>,
): Promise<{ server: Server; port: number }> {
  const metrics = pullerMetrics(progress);
  const answers = new Map<string | undefined, () => Promise<{ type: string; body: string }>>([
    ['/progress', async () => ({ type: 'application/json', body: JSON.stringify(progress.read()) })],
    ['/metrics', async () => ({ type: metrics.contentType, body: await metrics.metrics() })],
  ]);
  const server = createServer((request, response) => {
    const answer = request.method === 'GET' ? answers.get(request.url) : undefined;
    if (answer === undefined) {
      response.writeHead(404).end();
      return;
    }
    answer().then(
      ({ type, body }) =>
        response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(body),
      () => response.writeHead(500).end(),
    );
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
