import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ModelServer } from '../api/modelserver.ts';
import { requestBuckets, requestMetrics } from '../http-server/request-metrics.ts';

const prefix = 'longshore_gateway_';

export type Metrics = ReturnType<typeof createMetrics>;

/** What /metrics shows; docs: the `help` of each. */
export function createMetrics(underway: () => number) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const ofServer = ['namespace', 'server'] as const;
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
    buckets: requestBuckets,
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
    ...requestMetrics(prefix, registry),
    sent: (server: ModelServer) => sent.inc(labelsOf(server)),
    retried: (server: ModelServer) => retried.inc(labelsOf(server)),
    begun: (server: ModelServer, seconds: number) => begun.observe(labelsOf(server), seconds),
  };
}

function labelsOf({ metadata: { namespace, name } }: ModelServer) {
  return { namespace, server: name };
}
