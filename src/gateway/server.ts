import type { Logger } from 'pino';
import { runtimePort } from '../protocols/runtime.ts';
import type { AccessKeys } from './access.ts';
import { Admission, type AdmissionLimits } from './admission.ts';
import { bodyLimit, createApp, type App, type ClientLimits } from './app.ts';
import type { Caches } from './caches.ts';
import type { Certificate } from './certificate.ts';
import { Forwarder, type ForwardLimits } from './forward.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { Replicas } from './replicas.ts';
import { inferenceRoutes } from './routes/inference.ts';
import { modelRoutes } from './routes/models.ts';

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
  /** Where replicas listen; default the port of the runtime. */
  port?: number | undefined;
}

export interface GatewayServer {
  app: App;
  admission: Admission;
  metrics: Metrics;
}

/** The largest body comes over 1 Mbit/s. */
const clientLimits = { request: 120_000, keepAlive: 72_000 };

/** Everything the gateway answers to its clients, listening to nothing yet. */
export function createServer(options: ServerOptions): GatewayServer {
  const { caches, log, limits, homeNamespace: home, keys, certificate } = options;
  const admission = new Admission(options.admission, bodyLimit);
  const metrics = createMetrics(() => admission.underway);
  const stalled: ClientLimits['stalled'] = limits.idle + 30_000;
  const app = createApp({
    metrics,
    log,
    admission,
    limits: { ...clientLimits, stalled },
    keys,
    certificate,
  });
  const replicas = new Replicas({ pods: caches.pods, port: options.port ?? runtimePort });
  const forwarder = new Forwarder({ replicas, admission, metrics, limits });
  app.addHook('onClose', () => forwarder.close());
  const names = { caches, home };
  modelRoutes(app, names);
  inferenceRoutes(app, { names, replicas, forwarder });
  return { app, admission, metrics };
}
