import type { Logger } from 'pino';
import { createApp as createServerApp, type App, type Limits } from '../http-server/app.ts';
import type { ApiKeys } from './api-keys.ts';
import { authenticate } from './authentication.ts';
import { answerTo } from './errors.ts';
import type { Metrics } from './metrics.ts';

export type { App, Limits };

const whatThereIs =
  "There are /v1/models, /v1/completions, /v1/chat/completions, /v1/responses, /v1/embeddings and /v1/rerank, and of Ollama's API /api/chat, /api/generate, /api/embed, /api/show, /api/tags, /api/ps and /api/version.";

/** A server without routes, which asks for API keys where there are any. */
export function createApp(metrics: Metrics, log: Logger, keys?: ApiKeys, limits?: Limits): App {
  const app = createServerApp({ metrics, log, limits, whatThereIs, refusalOf: answerTo });
  if (keys) app.addHook('onRequest', (request) => authenticate(keys, request));
  return app;
}
