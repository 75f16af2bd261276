import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { z } from 'zod';
import { createApp as createServerApp, routeOf, type App, type Certificate } from '../http-server/app.ts';
import { json, type Operation } from '../http-server/openapi/operation.ts';
import { refusalOf } from '../http-server/refusal.ts';
import type { AccessKeys } from './access.ts';
import type { Admission } from './admission.ts';
import { authorize, isOpen, open } from './authorization.ts';
import type { Metrics } from './metrics.ts';

export type { App };

export interface AppOptions {
  metrics: Metrics;
  log: Logger;
  admission: Admission;
  /** Absent: everybody may ask. */
  keys?: AccessKeys | undefined;
  /** Absent: plain HTTP. */
  certificate?: Certificate | undefined;
}

const whatThereIs =
  "There are /v1/models, /v1/chat/completions, /v1/completions, /v1/responses, /v1/embeddings and /v1/rerank, and of Ollama's API /api/chat, /api/generate, /api/embed, /api/embeddings, /api/show, /api/tags, /api/ps and /api/version. Models are managed by /models/pull and the like where the chart has gateway.management.enabled.";

const bodies = new WeakMap<FastifyRequest, string>();

/** The body of a request as it came; nothing where there was none. */
export const textOf = (request: FastifyRequest): string => bodies.get(request) ?? '';

/** A server without routes, which asks for API keys, where there are any, and takes only so much at once. */
export function createApp({ metrics, admission, keys, ...options }: AppOptions): App {
  const keepBody = (request: FastifyRequest, text: string): void => void bodies.set(request, text);
  const app = createServerApp({ ...options, metrics, refusalOf, whatThereIs, keepBody });
  app.addHook('onRequest', (_request, reply, done) => {
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) metrics.gaveUp(routeOf(reply));
    });
    done();
  });
  if (keys) app.addHook('onRequest', (request) => authorize(keys, request));
  app.addHook('onRequest', async (request, reply) => {
    if (!isOpen(request.routeOptions.config)) admission.admit(request, reply);
  });
  return app;
}

const Alive = z.object({
  status: z.literal('alive'),
  access: z.enum(['open', 'keys']).describe('Whether a key is asked for.'),
});

const alive: Operation = {
  id: 'alive',
  api: 'Server',
  summary: 'Whether the gateway is alive, and whether it asks for keys',
  answers: { 200: [json(Alive)] },
  errors: [],
};

export function healthRoute(app: App, access: 'open' | 'keys'): void {
  app.get('/healthz', { config: { ...open, operation: alive } }, (): z.infer<typeof Alive> => ({
    status: 'alive',
    access,
  }));
}
