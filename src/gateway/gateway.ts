import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { connect } from '../kube/client.ts';
import { gatewayCaches } from './caches.ts';
import type { Config } from './config.ts';
import { healthServer } from './health.ts';
import { createServer } from './server.ts';

export interface Gateway {
  /** Of the clients' port, e.g. `http://127.0.0.1:8080`. */
  address: string;
  /**
   * Says not ready and goes on serving until the endpoints have forgotten this pod, then lets requests on their way end,
   * and breaks off what is left when the time is over.
   */
  drain(): Promise<void>;
}

/** Fills its caches, and then answers. Any number of gateways may run: none knows of the others. */
export async function startGateway(config: Config, log: Logger, kubeConfig: KubeConfig): Promise<Gateway> {
  const { namespace, homeNamespace, port, healthPort, drainSeconds, graceSeconds } = config;
  const client = connect(kubeConfig, { fieldManager: 'longshore-gateway' });
  const caches = gatewayCaches({ client, namespace, log });
  const { app, admission, metrics } = createServer({
    caches,
    log,
    homeNamespace,
    admission: config.admission,
    limits: { request: config.requestSeconds * 1000, idle: config.idleSeconds * 1000, connect: 2000 },
  });
  let unready: 'starting' | 'draining' | undefined = 'starting';
  const health = healthServer({ metrics, unready: () => unready });
  const healthAddress = await health.listen({ port: healthPort, host: '0.0.0.0' });
  log.info({ address: healthAddress }, 'answers /healthz, /readyz and /metrics');

  const stopping = new AbortController();
  const all = Object.values(caches);
  const watching = Promise.all(all.map((cache) => cache.start(stopping.signal)));
  await Promise.race([Promise.all(all.map((cache) => cache.synced())), watching]);
  const address = await app.listen({ port, host: '0.0.0.0' });
  unready = undefined;
  log.info({ address, namespace: namespace ?? 'all' }, 'gateway ready');

  return {
    address,
    async drain() {
      log.info({ drainSeconds, graceSeconds }, 'draining');
      unready = 'draining';
      await delay(drainSeconds * 1000);
      const lastCall = setTimeout(() => admission.breakOff(), graceSeconds * 1000);
      // A connection that was busy when the server closed, or was never used, is kept open by its client.
      const idle = setInterval(() => {
        app.server.closeIdleConnections();
        if (admission.underway === 0) app.server.closeAllConnections();
      }, 100);
      await app.close();
      clearInterval(idle);
      clearTimeout(lastCall);
      stopping.abort();
      await watching;
      await Promise.all([health.close(), client.close()]);
      log.info('gateway stopped');
    },
  };
}
