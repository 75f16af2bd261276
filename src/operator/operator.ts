import { once } from 'node:events';
import k8sOperator from '@dot-i/k8s-operator';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { actor } from '../controllers/act.ts';
import { PullQueue } from '../controllers/model/pull/pull-queue.ts';
import { progressPoller } from '../controllers/model/pull/progress.ts';
import { modelReconciler } from '../controllers/model/reconcile.ts';
import { loadPoller } from '../controllers/modelserver/load-poller.ts';
import { serverReconciler } from '../controllers/modelserver/reconcile.ts';
import { listenEverywhere } from '../http-server/listen.ts';
import { connect, type KubeClient } from '../kube/client.ts';
import { Controller, type Reconcile } from '../kube/controller.ts';
import { EventRecorder } from '../kube/events.ts';
import { fencedClient, NotLeaderError } from '../kube/fence.ts';
import { LeaderElection } from '../kube/leader-election.ts';
import { controllerMetrics } from '../kube/metrics.ts';
import { observingClient } from '../kube/observing.ts';
import { observedBy, seeRunningPulls, startCaches, wire } from './caches.ts';
import type { Config } from './config.ts';
import { healthServer } from './health.ts';
import { InvalidObjects } from './invalid-objects.ts';

/**
 * Wires the parts and owns their lifetime. The base class gives init, start and stop and the kubeconfig; watching,
 * queueing and status are those of kube/ (docs/adr/0001). Of several only the leader reconciles and writes
 * (docs/adr/0012); the others keep their caches filled.
 */
export class LongshoreOperator extends k8sOperator.default {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #stopping = new AbortController();
  /** Aborted when nothing is done under the lease any more. */
  readonly #released = new AbortController();
  #client: KubeClient | undefined;
  #events: EventRecorder | undefined;
  #server: FastifyInstance | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #candidacy: Promise<void> = Promise.resolve();
  #ready = false;

  constructor(config: Config, log: Logger) {
    const levels = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string) => log[level](message);
    super({ debug: levels('debug'), info: levels('info'), warn: levels('warn'), error: levels('error') });
    this.#config = config;
    this.#log = log;
  }

  protected override async init(): Promise<void> {
    const { namespace, concurrency, port, instance, lease, timing, pullerImage, puller, runtimeImages } =
      this.#config;
    const { pulls: limits, servers: surroundings } = this.#config;
    const log = this.#log;
    const client = connect(this.kubeConfig, { fieldManager: 'longshore', userAgent: 'longshore-operator' });
    const events = new EventRecorder({ client, log, controller: 'longshore.dev/operator', instance });
    this.#client = client;
    this.#events = events;

    const election = new LeaderElection({ client, lease, log, instance, events, timing });
    const invalid = new InvalidObjects(events);
    const caches = startCaches({ client, namespace, log }, (object, error) => invalid.saw(object, error));
    const writing = observingClient(fencedClient(client, election), observedBy(caches));
    const acting = actor(writing, events);
    const all = [
      caches.models,
      caches.modelServers,
      caches.jobs,
      caches.pods,
      caches.claims,
      caches.otherClaims,
      caches.deployments,
      caches.services,
      caches.serviceAccounts,
      caches.networkPolicies,
      caches.budgets,
      caches.storageClasses,
      caches.nodes,
      caches.devices,
    ].filter((cache) => cache !== undefined);
    const progress = progressPoller((key) => model.enqueue(key));
    const pulls = new PullQueue({ limits, wake: (key) => model.enqueue(key) });
    const loads = loadPoller((key) => server.enqueue(key));
    const metrics = new Registry();
    collectDefaultMetrics({ register: metrics });
    showLeadership(metrics, lease.name, election);
    const common = { log, concurrency, reserved: 1, caches: all, observe: controllerMetrics(metrics) };
    const model = new Controller({
      ...common,
      name: 'model',
      reconcile: whileLeading(
        modelReconciler({ caches, actor: acting, image: pullerImage, defaults: puller, progress, pulls }),
      ),
    });
    const server = new Controller({
      ...common,
      name: 'modelserver',
      reconcile: whileLeading(
        serverReconciler({ caches, actor: acting, images: runtimeImages, surroundings, loads }),
      ),
    });
    this.#server = healthServer({ isReady: () => this.#ready && !this.#stopping.signal.aborted, metrics });
    const address = await listenEverywhere(this.#server, port);
    log.info({ address }, 'answers /healthz, /readyz and /metrics');

    const { signal } = this.#stopping;
    const watching = Promise.all(all.map((cache) => cache.start(signal)));
    this.#running = watching;
    const synced = Promise.all(all.map((cache) => cache.synced()));
    await Promise.race([synced, watching]);
    if (signal.aborted) return;
    this.#ready = true;
    log.info({ namespace: namespace ?? 'all' }, 'operator ready');

    const lead = async (): Promise<void> => {
      await Promise.race([election.acquired, once(signal, 'abort')]);
      if (signal.aborted) return;
      invalid.lead([caches.models, caches.modelServers]);
      if (pulls.isLimited) await seeRunningPulls(caches, { client, namespace, log }, signal);
      pulls.follow(caches);
      wire(caches, { model, server });
      await Promise.all([model, server, progress, loads].map((part) => part.start(signal)));
    };
    this.#running = Promise.all([watching, lead()]);
    // Not before: whoever cannot fill its caches could only keep the others from leading.
    this.#candidacy = election.start(this.#released.signal);
  }

  /** Resolves after shutdown; rejects when a part ended that should not have, with NotLeaderError when leadership did. */
  get finished(): Promise<unknown> {
    return Promise.all([this.#running, this.#candidacy]);
  }

  /** Lets running reconciles finish, then the next leader begin, sends what events are left, and closes every connection. */
  async shutdown(): Promise<void> {
    super.stop();
    this.#stopping.abort();
    await this.#running.catch(() => undefined);
    this.#released.abort();
    await this.#candidacy.catch(() => undefined);
    await this.#events?.flush();
    await this.#server?.close();
    await this.#client?.close();
    this.#log.info('operator stopped');
  }
}

/** The end of leadership ends the process, which says so once: not every reconcile that it interrupts has to. */
function whileLeading(reconcile: Reconcile): Reconcile {
  return (key, signal) =>
    reconcile(key, signal).catch((error: unknown) => {
      if (!(error instanceof NotLeaderError)) throw error;
    });
}

/** Under the name that client-go gives it. */
function showLeadership(metrics: Registry, name: string, election: LeaderElection): void {
  const gauge = new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process is the leader by the lease of this name',
    labelNames: ['name'],
    registers: [],
    collect() {
      this.set({ name }, election.isLeader ? 1 : 0);
    },
  });
  metrics.registerMetric(gauge);
}
