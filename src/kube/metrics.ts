import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { ControllerObserver, ReconcileEnd } from './controller.ts';
import { priorities } from './priority.ts';
import type { Priority } from './priority.ts';
import type { QueueObserver } from './queue.ts';

/** Seconds: fine where people begin to wait, and up to the longest backoff. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** Who watches a controller of this name and its queue. Each name is to be asked for once. */
export type ObserveController = (name: string) => { queue: QueueObserver; controller: ControllerObserver };

/**
 * Puts what client-go tells of a work queue and controller-runtime of a controller into the registry, under their
 * names. Where it differs: depth and waits are told by priority, and retries are those after a failure alone.
 */
export function controllerMetrics(registry: Registry): ObserveController {
  const observeQueue = queueMetrics(registry);
  const observeReconciles = reconcileMetrics(registry);
  return (name) => ({ queue: observeQueue(name), controller: observeReconciles(name) });
}

function queueMetrics(registry: Registry): (name: string) => QueueObserver {
  const watches: QueueWatch[] = [];
  const common = { labelNames: ['name' as const], registers: [registry] };
  const byPriority = { ...common, labelNames: ['name' as const, 'priority' as const] };
  const metrics: QueueCounts = {
    adds: new Counter({
      ...common,
      name: 'workqueue_adds_total',
      help: 'Keys that became due.',
    }),
    retries: new Counter({
      ...common,
      name: 'workqueue_retries_total',
      help: 'Keys that were queued again after a failure.',
    }),
    waited: new Histogram({
      ...byPriority,
      name: 'workqueue_queue_duration_seconds',
      help: 'How long a key is due before a worker takes it.',
      buckets,
    }),
    worked: new Histogram({
      ...common,
      name: 'workqueue_work_duration_seconds',
      help: 'How long a worker has a key.',
      buckets,
    }),
  };
  // What changes with time alone is looked at when somebody asks.
  void new Gauge({
    ...byPriority,
    name: 'workqueue_depth',
    help: 'Keys that are due and not taken.',
    collect() {
      for (const { name, depth } of watches)
        for (const priority of priorities) this.set({ name, priority }, depth[priority]);
    },
  });
  void new Gauge({
    ...common,
    name: 'workqueue_unfinished_work_seconds',
    help: 'How long the keys that workers have now have been with them, added up.',
    collect() {
      for (const watch of watches) this.set({ name: watch.name }, sum(watch.workingFor()));
    },
  });
  void new Gauge({
    ...common,
    name: 'workqueue_longest_running_processor_seconds',
    help: 'How long the key that a worker has had for the longest time has been with it.',
    collect() {
      for (const watch of watches) this.set({ name: watch.name }, Math.max(0, ...watch.workingFor()));
    },
  });
  return (name) => {
    metrics.adds.inc({ name }, 0);
    metrics.retries.inc({ name }, 0);
    const watch = new QueueWatch(name, metrics);
    watches.push(watch);
    return watch;
  };
}

interface QueueCounts {
  adds: Counter<'name'>;
  retries: Counter<'name'>;
  waited: Histogram<'name' | 'priority'>;
  worked: Histogram<'name'>;
}

/** Since when keys of one queue wait and are worked on. */
class QueueWatch implements QueueObserver {
  readonly name: string;
  readonly depth: Record<Priority, number> = { user: 0, event: 0, backlog: 0 };
  readonly #metrics: QueueCounts;
  readonly #due = new Map<string, { since: number; priority: Priority }>();
  /** Key -> since when a worker has it. */
  readonly #working = new Map<string, number>();

  constructor(name: string, metrics: QueueCounts) {
    this.name = name;
    this.#metrics = metrics;
  }

  due(key: string, priority: Priority): void {
    this.#due.set(key, { since: performance.now(), priority });
    this.depth[priority] += 1;
    this.#metrics.adds.inc({ name: this.name });
  }

  raised(key: string, priority: Priority): void {
    const due = this.#due.get(key);
    if (due === undefined) return;
    this.depth[due.priority] -= 1;
    this.depth[priority] += 1;
    due.priority = priority;
  }

  handedOut(key: string): void {
    const now = performance.now();
    this.#working.set(key, now);
    const due = this.#due.get(key);
    if (due === undefined) return;
    this.#due.delete(key);
    this.depth[due.priority] -= 1;
    this.#metrics.waited.observe({ name: this.name, priority: due.priority }, (now - due.since) / 1000);
  }

  done(key: string): void {
    const since = this.#working.get(key);
    if (since === undefined) return;
    this.#working.delete(key);
    this.#metrics.worked.observe({ name: this.name }, (performance.now() - since) / 1000);
  }

  retried(): void {
    this.#metrics.retries.inc({ name: this.name });
  }

  /** Seconds, of each key that a worker has. */
  workingFor(): number[] {
    const now = performance.now();
    return [...this.#working.values()].map((since) => (now - since) / 1000);
  }
}

const results: readonly ReconcileEnd[] = ['success', 'requeue_after', 'requeue', 'error'];

function reconcileMetrics(registry: Registry): (name: string) => ControllerObserver {
  const common = { labelNames: ['controller' as const], registers: [registry] };
  const total = new Counter({
    ...common,
    labelNames: ['controller' as const, 'result' as const],
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by result. A conflict, which means that the cache was behind, is a requeue.',
  });
  const errors = new Counter({
    ...common,
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciles that failed.',
  });
  const time = new Histogram({
    ...common,
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long a reconcile takes.',
    buckets,
  });
  const active = new Gauge({
    ...common,
    name: 'controller_runtime_active_workers',
    help: 'Reconciles that run now.',
  });
  const most = new Gauge({
    ...common,
    name: 'controller_runtime_max_concurrent_reconciles',
    help: 'Reconciles that may run at once, those that are kept for people included.',
  });
  return (controller) => {
    for (const result of results) total.inc({ controller, result }, 0);
    errors.inc({ controller }, 0);
    active.set({ controller }, 0);
    return {
      workers: (count) => most.set({ controller }, count),
      began: () => active.inc({ controller }),
      ended(result, seconds) {
        active.dec({ controller });
        total.inc({ controller, result });
        if (result === 'error') errors.inc({ controller });
        time.observe({ controller }, seconds);
      },
    };
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
