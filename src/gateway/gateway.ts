import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import { listenEverywhere } from '../http-server/listen.ts';
import { connect } from '../kube/client.ts';
import { openAccessKeys } from './access.ts';
import { gatewayCaches } from './caches.ts';
import { readCertificate, renewCertificate, type SecureServer } from './certificate.ts';
import type { Config } from './config.ts';
import { healthServer } from './health.ts';
import { fieldManager } from './management/objects.ts';
import { createServer } from './server.ts';

/** Milliseconds between two looks at the certificate; the kubelet takes longer to bring a new one. */
const renewalMs = 10_000;

export interface Gateway {
  /** Of the clients' port, e.g. `http://127.0.0.1:8080`. */
  address: string;
  /**
   * Says not ready and goes on serving until the endpoints have forgotten this pod, then lets requests on their way end,
   * and breaks off what is left when the time is over.
   */
  drain(): Promise<void>;
}

/**
 * Fills its caches, and then answers. Any number of gateways may run: none knows of the others.
 * @param signal gives the start up; there is no gateway then
 */
export async function startGateway(
  config: Config,
  log: Logger,
  kubeConfig: KubeConfig,
  signal: AbortSignal,
): Promise<Gateway | undefined> {
  const { namespace, homeNamespace, port, healthPort, tls, drainSeconds, graceSeconds } = config;
  const keys = config.apiKeys && (await openAccessKeys(config.apiKeys, log, () => performance.now()));
  const certificate = tls === undefined ? undefined : await readCertificate(tls);
  const client = connect(kubeConfig, { fieldManager });
  const caches = gatewayCaches({ client, namespace, log });
  const { app, admission, metrics } = createServer({
    caches,
    log,
    homeNamespace,
    keys: keys || undefined,
    certificate,
    management: config.management && { ...config.management, client, caches },
    admission: config.admission,
    limits: { request: config.requestSeconds * 1000, idle: config.idleSeconds * 1000, connect: 2000 },
  });
  let unready: 'starting' | 'draining' | undefined = 'starting';
  const health = healthServer({ metrics, unready: () => unready });
  const healthAddress = await listenEverywhere(health, healthPort);
  log.info({ address: healthAddress }, 'answers /healthz, /readyz and /metrics');

  const stopping = new AbortController();
  const all = Object.values(caches);
  const watching = Promise.all(all.map((cache) => cache.start(stopping.signal)));
  const end = async (): Promise<void> => {
    stopping.abort();
    await watching;
    await Promise.all([app.close(), health.close(), client.close()]);
    log.info('gateway stopped');
  };
  const synced = Promise.all(all.map((cache) => cache.synced()));
  if (!signal.aborted) await Promise.race([synced, once(signal, 'abort')]);
  if (signal.aborted) {
    await end();
    return undefined;
  }
  const address = await listenEverywhere(app, port);
  unready = undefined;
  if (!keys) log.warn('there are no API keys: everybody who can connect may ask');
  log.info({ address, namespace: namespace ?? 'all', access: keys ? 'keys' : 'open' }, 'gateway ready');

  let shown = certificate;
  const renewal = setInterval(() => {
    if (tls === undefined || !shown) return;
    // A server that was made with a certificate is one of TLS.
    const server = app.server as unknown as SecureServer;
    void renewCertificate(server, tls, shown, log).then((now) => (shown = now));
  }, renewalMs);

  return {
    address,
    async drain() {
      clearInterval(renewal);
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
      await end();
    },
  };
}
