import { Counter, Histogram, type Registry } from 'prom-client';

/** Seconds. */
export const requestBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export type RequestMetrics = ReturnType<typeof requestMetrics>;

/** What every program that clients ask counts of their requests; docs: the `help` of each. */
export function requestMetrics(prefix: string, registry: Registry) {
  const registers = [registry];
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
    buckets: requestBuckets,
    registers,
  });
  const abandoned = new Counter({
    name: `${prefix}requests_abandoned_total`,
    help: 'Requests whose client went away before the answer was complete, by route.',
    labelNames: ['route'] as const,
    registers,
  });
  return {
    answered(route: string, status: number, seconds: number) {
      requests.inc({ route, status });
      duration.observe({ route }, seconds);
    },
    gaveUp: (route: string) => abandoned.inc({ route }),
  };
}
