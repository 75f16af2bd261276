import Fastify, { type FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';

/**
 * /healthz: the process answers. /readyz: the caches are filled, so that it leads or could; were only the leader ready, a
 * rolling update would wait for ever. /metrics: Prometheus.
 */
export function healthServer({
  isReady,
  metrics,
}: {
  isReady: () => boolean;
  metrics: Registry;
}): FastifyInstance {
  const app = Fastify({ logger: false });
  app.get('/healthz', async () => 'ok\n');
  app.get('/readyz', async (_request, reply) => {
    if (isReady()) return 'ok\n';
    return reply.code(503).send('the caches are not filled yet\n');
  });
  app.get('/metrics', async (_request, reply) => {
    return reply.type(metrics.contentType).send(await metrics.metrics());
  });
  return app;
}
