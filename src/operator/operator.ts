import k8sOperator from '@dot-i/k8s-operator';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { actor } from '../controllers/act.ts';
import { modelReconciler } from '../controllers/model/reconcile.ts';
import { serverReconciler } from '../controllers/modelserver/reconcile.ts';
import { connect, type KubeClient } from '../kube/client.ts';
import { Controller } from '../kube/controller.ts';
import { EventRecorder } from '../kube/events.ts';
import { startCaches, wire } from './caches.ts';
import type { Config } from './config.ts';
import { healthServer } from './health.ts';

/**
 * Wires the parts and owns their lifetime. The base class gives init, start and stop and the kubeconfig; watching,
 * queueing and status are those of kube/ (docs/adr/0001).
 */
export class LongshoreOperator extends k8sOperator.default {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  #client: KubeClient | undefined;
  #events: EventRecorder | undefined;
  #server: FastifyInstance | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #ready = false;

  constructor(config: Config, log: Logger) {
    const levels = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string) => log[level](message);
    super({ debug: levels('debug'), info: levels('info'), warn: levels('warn'), error: levels('error') });
    this.#config = config;
    this.#log = log;
  }

  protected override async init(): Promise<void> {
    const { namespace, concurrency, port, instance, pullerImage, runtimeImage } = this.#config;
    const log = this.#log;
    const client = connect(this.kubeConfig, { fieldManager: 'longshore', userAgent: 'longshore-operator' });
    const events = new EventRecorder({ client, log, controller: 'longshore.dev/operator', instance });
    this.#client = client;
    this.#events = events;

    const caches = startCaches({ client, namespace, log }, (object, error) => {
      const note = `${error.message}. Apply it again with the current CRDs installed.`;
      events.record(object, { type: 'Warning', reason: 'InvalidObject', note });
    });
    const acting = actor(client, events);
    const all = [
      caches.models,
      caches.modelServers,
      caches.jobs,
      caches.pods,
      caches.claims,
      caches.deployments,
      caches.services,
    ];
    const model = new Controller({
      name: 'model',
      reconcile: modelReconciler({ caches, actor: acting, image: pullerImage }),
      log,
      concurrency,
      caches: all,
    });
    const server = new Controller({
      name: 'modelserver',
      reconcile: serverReconciler({ caches, actor: acting, image: runtimeImage }),
      log,
      concurrency,
      caches: all,
    });
    wire(caches, { model, server });

    const metrics = new Registry();
    collectDefaultMetrics({ register: metrics });
    this.#server = healthServer({ isReady: () => this.#ready && !this.#stopping.signal.aborted, metrics });
    await this.#server.listen({ port, host: '0.0.0.0' });

    const { signal } = this.#stopping;
    this.#running = Promise.all([
      ...all.map((cache) => cache.start(signal)),
      model.start(signal),
      server.start(signal),
    ]);
    const synced = Promise.all(all.map((cache) => cache.synced()));
    await Promise.race([synced, this.#running]);
    this.#ready = true;
    log.info({ namespace: namespace ?? 'all' }, 'operator ready');
  }

  /** Resolves after shutdown; rejects when a part ended that should not have. */
  get finished(): Promise<unknown> {
    return this.#running;
  }

  /** Lets running reconciles finish, sends what events are left, and closes every connection. */
  async shutdown(): Promise<void> {
    super.stop();
    this.#stopping.abort();
    await this.#running.catch(() => undefined);
    await this.#events?.flush();
    await this.#server?.close();
    await this.#client?.close();
    this.#log.info('operator stopped');
  }
}
