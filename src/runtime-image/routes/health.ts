import type { LoadState } from '../../protocols/runtime.ts';
import type { App } from '../app.ts';
import type { Metrics } from '../metrics.ts';
import type { RuntimeState } from '../state.ts';

/** What Kubernetes, the operator and Prometheus ask. */
export function healthRoutes(app: App, state: RuntimeState, metrics: Metrics): void {
  app.get('/healthz', () => ({ status: 'alive' }));

  /** 200 while requests should be sent here: from the end of the load until the process is asked to end. */
  app.get('/readyz', (_request, reply) => {
    if (state.draining) return reply.code(503).send({ status: 'draining' });
    if (state.load.phase !== 'ready') return reply.code(503).send({ status: state.load.phase });
    return { status: 'ready' };
  });

  app.get('/load', (): LoadState => state.load);

  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
}
