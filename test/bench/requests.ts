/** `PATCH models/status` -> how often. */
export type Requests = Record<string, number>;

/** Of all namespaces together. */
export function allOf(byNamespace: Record<string, Requests>): Requests {
  const all: Requests = {};
  for (const requests of Object.values(byNamespace))
    for (const [key, count] of Object.entries(requests)) all[key] = (all[key] ?? 0) + count;
  return all;
}

/** What `now` has more than `before`. */
export function since(before: Requests, now: Requests): Requests {
  const more = Object.entries(now).map(([key, count]) => [key, count - (before[key] ?? 0)] as const);
  return Object.fromEntries(more.filter(([, count]) => count > 0).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function perEach(requests: Requests, objects: number): Requests {
  return Object.fromEntries(Object.entries(requests).map(([key, count]) => [key, count / objects]));
}

/** Requests that write; those of the lease and of events are counted apart. */
export function writesIn(requests: Requests): number {
  return sum(requests, (key) => !/^(GET|WATCH) | (leases|events)$/.test(key));
}

export function sum(requests: Requests, is: (key: string) => boolean): number {
  return Object.entries(requests).reduce((total, [key, count]) => total + (is(key) ? count : 0), 0);
}
