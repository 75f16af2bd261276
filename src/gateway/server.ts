import type { Logger } from 'pino';
import { bodyLimit, type Certificate } from '../http-server/app.ts';
import { describeRoutes } from '../http-server/openapi/routes.ts';
import { refuseOtherMethods } from '../http-server/other-methods.ts';
import { pollAddress } from '../controllers/poll.ts';
import { runtimePort } from '../protocols/runtime.ts';
import type { AccessKeys } from './access.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { createApp, healthRoute, type App } from './app.ts';
import type { Caches } from './caches.ts';
import { isOpen, open } from './authorization.ts';
import { ContextSizes } from './context-sizes.ts';
import { description } from './description.ts';
import { Forwarder, type ForwardLimits } from './forward.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Replicas } from './replicas.ts';
import type { Written, Writing } from './management/objects.ts';
import { Following } from './management/following.ts';
import type { Origins } from './management/wanted.ts';
import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { inferenceRoutes } from './routes/inference.ts';
import { managementRoutes } from './routes/management.ts';
import { modelRoutes } from './routes/models.ts';
import { objectRoutes } from './routes/objects.ts';
import { searchRoutes } from './routes/search.ts';
import { versionRoute } from './routes/version.ts';

export interface ServerOptions {
  caches: Caches;
  log: Logger;
  homeNamespace: string | undefined;
  admission: AdmissionLimits;
  limits: ForwardLimits;
  /** Absent: everybody may ask. */
  keys?: AccessKeys | undefined;
  /** Absent: plain HTTP. */
  certificate?: Certificate | undefined;
  /** Absent: nothing may be changed through the gateway. */
  management?: ManagementOptions | undefined;
  /** Where replicas listen; default the port of the runtime. */
  port?: number | undefined;
}

export interface ManagementOptions extends Origins {
  client: Writing['client'];
  /** The same as those that are looked names up in, and heard of. */
  caches: { models: Written<Model>; servers: Written<ModelServer> };
  namespace: string;
  gpus: number;
}

export interface GatewayServer {
  app: App;
  admission: Admission;
  metrics: Metrics;
}

/** Everything the gateway answers to its clients, listening to nothing yet. */
export function createServer(options: ServerOptions): GatewayServer {
  const { caches, log, limits, homeNamespace: home, keys, certificate } = options;
  const admission = new Admission(options.admission, bodyLimit);
  const metrics = createMetrics(() => admission.underway);
  const app = createApp({ metrics, log, admission, keys, certificate });
  const noMoreMethods = refuseOtherMethods(app);
  describeRoutes(app, description(keys !== undefined), ({ config = {} }) => isOpen(config), open);
  healthRoute(app, keys ? 'keys' : 'open');
  const replicas = new Replicas({ pods: caches.pods, port: options.port ?? runtimePort });
  const forwarder = new Forwarder({ replicas, admission, metrics, limits });
  app.addHook('onClose', () => forwarder.close());
  const names = { caches, home };
  const contextSizes = new ContextSizes(({ origin }) => pollAddress(`${origin}/load`));
  modelRoutes(app, { names, replicas, contextSizes });
  versionRoute(app, options.management?.namespace);
  inferenceRoutes(app, { names, replicas, forwarder });
  if (options.management) {
    const { caches: written } = options.management;
    const streams = { models: new Following(written.models), servers: new Following(written.servers) };
    managementRoutes(app, { ...options.management, names, streams }, admission);
    objectRoutes(app, { caches: written, streams, admission });
    searchRoutes(app, options.management.hub);
  }
  noMoreMethods();
  return { app, admission, metrics };
}
