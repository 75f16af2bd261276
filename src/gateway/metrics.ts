import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ModelServer } from '../api/modelserver.ts';

const prefix = 'longshore_gateway_';

/** Seconds. */
const buckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export type Metrics = ReturnType<typeof createMetrics>;

/** What /metrics shows; docs: the `help` of each. */
export function createMetrics(underway: () => number) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const ofServer = ['namespace', 'server'] as const;
  const requests = new Counter({
    name: `${prefix}requests_total`,
    help: 'Requests answered, by route and HTTP status.',
    labelNames: ['route', 'status'] as const,
    registers,
  });
  const duration = new Histogram({
    name: `${prefix}request_duration_seconds`,
    help: 'Time from request to the end of the answer, by route.',
    labelNames: ['route'] as const,
    buckets,
    registers,
  });
  const sent = new Counter({
    name: `${prefix}sent_total`,
    help: 'Requests sent to replicas, each try counted, by ModelServer.',
    labelNames: ofServer,
    registers,
  });
  const retried = new Counter({
    name: `${prefix}retries_total`,
    help: 'Requests that went on to another replica since the first did not take them, by ModelServer.',
    labelNames: ofServer,
    registers,
  });
  const begun = new Histogram({
    name: `${prefix}time_to_answer_seconds`,
    help: 'Time from request to the beginning of the answer, by ModelServer.',
    labelNames: ofServer,
    buckets,
    registers,
  });
  const abandoned = new Counter({
    name: `${prefix}requests_abandoned_total`,
    help: 'Requests whose client went away before the answer was complete, by route.',
    labelNames: ['route'] as const,
    registers,
  });
  void new Gauge({
    name: `${prefix}requests_underway`,
    help: 'Requests on their way now.',
    registers,
    collect() {
      this.set(underway());
    },
  });

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered(route: string, status: number, seconds: number) {
      requests.inc({ route, status });
      duration.observe({ route }, seconds);
    },
    gaveUp: (route: string) => abandoned.inc({ route }),
    sent: (server: ModelServer) => sent.inc(labelsOf(server)),
    retried: (server: ModelServer) => retried.inc(labelsOf(server)),
    begun: (server: ModelServer, seconds: number) => begun.observe(labelsOf(server), seconds),
  };
}

function labelsOf({ metadata: { namespace, name } }: ModelServer) {
  return { namespace, server: name };
}
