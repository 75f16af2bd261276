import type { Logger } from 'pino';
import { modelDigestHeader } from '../protocols/runtime.ts';
import type { ApiKeys } from './api-keys.ts';
import type { App, Limits } from './app.ts';
import { createApp } from './app.ts';
import { isOpen } from './authentication.ts';
import { description } from './description.ts';
import type { Metrics } from './metrics.ts';
import { describeRoutes } from '../http-server/openapi/routes.ts';
import { refuseOtherMethods } from '../http-server/other-methods.ts';
import { chatRoutes } from './routes/chat.ts';
import { completionRoutes } from './routes/completions.ts';
import { embeddingRoutes } from './routes/embeddings.ts';
import { healthRoutes } from './routes/health.ts';
import { modelRoutes } from './routes/models.ts';
import { ollamaChatRoutes } from './routes/ollama/chat.ts';
import { ollamaEmbedRoutes } from './routes/ollama/embed.ts';
import { ollamaGenerateRoutes } from './routes/ollama/generate.ts';
import { ollamaModelRoutes } from './routes/ollama/models.ts';
import { ollamaStoreRoutes } from './routes/ollama/store.ts';
import { rerankRoutes } from './routes/rerank.ts';
import { responseRoutes } from './routes/responses.ts';
import type { RuntimeState } from './state.ts';

/**
 * Everything the runtime answers, listening to nothing yet.
 * @param keys absent: everybody may ask
 */
export function createServer(
  state: RuntimeState,
  metrics: Metrics,
  log: Logger,
  keys?: ApiKeys,
  limits?: Limits,
): App {
  const app = createApp(metrics, log, keys, limits);
  const noMoreMethods = refuseOtherMethods(app);
  describeRoutes(app, description(keys !== undefined), ({ url }) => isOpen(url));
  app.addHook('onRequest', (_request, reply, done) => {
    if (state.modelDigest !== undefined) void reply.header(modelDigestHeader, state.modelDigest);
    done();
  });
  healthRoutes(app, state, metrics);
  modelRoutes(app, state);
  const serving = { state, metrics };
  completionRoutes(app, serving);
  chatRoutes(app, serving);
  responseRoutes(app, serving);
  embeddingRoutes(app, serving);
  rerankRoutes(app, serving);
  ollamaModelRoutes(app, serving);
  ollamaChatRoutes(app, serving);
  ollamaGenerateRoutes(app, serving);
  ollamaEmbedRoutes(app, serving);
  ollamaStoreRoutes(app);
  noMoreMethods();
  return app;
}
