import Fastify, { type FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';

export interface HealthOptions {
  metrics: Metrics;
  /** Why requests should not be sent here; undefined when they should. */
  unready: () => 'starting' | 'draining' | undefined;
}

/**
 * What Kubernetes and Prometheus ask, on a port of its own that clients need not reach. /readyz: 200 from the moment
 * that the caches are filled until the process is asked to end.
 */
export function healthServer({ metrics, unready }: HealthOptions): FastifyInstance {
  const app = Fastify({ logger: false });
  app.get('/healthz', () => ({ status: 'alive' }));
  app.get('/readyz', (_request, reply) => {
    const status = unready();
    return status === undefined ? { status: 'ready' } : reply.code(503).send({ status });
  });
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  return app;
}
