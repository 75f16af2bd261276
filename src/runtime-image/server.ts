import type { Logger } from 'pino';
import type { App } from './app.ts';
import { createApp } from './app.ts';
import type { Metrics } from './metrics.ts';
import { chatRoutes } from './routes/chat.ts';
import { completionRoutes } from './routes/completions.ts';
import { healthRoutes } from './routes/health.ts';
import { modelRoutes } from './routes/models.ts';
import type { RuntimeState } from './state.ts';

/** Everything the runtime answers, listening to nothing yet. */
export function createServer(state: RuntimeState, metrics: Metrics, log: Logger): App {
  const app = createApp(metrics, log);
  healthRoutes(app, state, metrics);
  modelRoutes(app, state);
  completionRoutes(app, state, metrics);
  chatRoutes(app, state, metrics);
  return app;
}
