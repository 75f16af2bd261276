import { z } from 'zod';
import { LoadState } from '../../protocols/runtime.ts';
import type { App } from '../app.ts';
import type { Metrics } from '../metrics.ts';
import type { Operation } from '../../http-server/openapi/operation.ts';
import { json, text } from '../../http-server/openapi/operation.ts';
import type { RuntimeState } from '../state.ts';

const Status = z.object({ status: z.enum(['alive', 'ready', 'loading', 'failed', 'draining']) });
type Status = z.infer<typeof Status>;

const operationOf = (id: string, summary: string, answers: Operation['answers']) => ({
  config: { operation: { id, api: 'Server', summary, answers, errors: [] } satisfies Operation },
});

const alive = operationOf('alive', 'Whether the process is alive', { 200: [json(Status)] });
const ready = operationOf('ready', 'Whether requests should be sent here', {
  200: [json(Status)],
  503: [json(Status)],
});
const load = operationOf('load', 'How far the load of the model is', { 200: [json(LoadState)] });
const measured = operationOf('metrics', 'Measurements, for Prometheus', { 200: [text] });

/** What Kubernetes, the operator and Prometheus ask. */
export function healthRoutes(app: App, state: RuntimeState, metrics: Metrics): void {
  app.get('/healthz', alive, (): Status => ({ status: 'alive' }));

  /** 200 while requests should be sent here: from the end of the load until the process is asked to end. */
  app.get('/readyz', ready, (_request, reply) => {
    const status = state.draining ? 'draining' : state.load.phase;
    return reply.code(status === 'ready' ? 200 : 503).send({ status } satisfies Status);
  });

  app.get('/load', load, (): LoadState => state.load);

  app.get('/metrics', measured, async (_request, reply) =>
    reply.type(metrics.contentType).send(await metrics.text()),
  );
}
