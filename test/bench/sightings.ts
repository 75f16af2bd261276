import { pino } from 'pino';
import type { ConditionedStatus } from '../../src/controllers/step.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { findCondition } from '../../src/kube/conditions.ts';
import { stableJson } from '../../src/kube/covers.ts';
import { Informer, type Change } from '../../src/kube/informer.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';

type Status = ConditionedStatus & { progress?: unknown; load?: unknown };
type Seen = KubeObject & { status?: Status };

/** What was seen of one object; times are of `performance.now()`. */
export interface Sighting {
  createdAt: number;
  firstStatusAt?: number;
  readyAt?: number;
  /** Of its versions until it is Ready, that of the creation first. */
  statuses: (Status | undefined)[];
}

/**
 * What writes changed: `status` more of it than how far a pull or a load is, `other` nothing at all.
 */
export type WriteCounts = Record<'status' | 'progress' | 'other', number>;

/** The objects of one namespace. */
export class Crowd {
  readonly sightings = new Map<string, Sighting>();
  withStatus = 0;
  ready = 0;

  /** To be called when the request to create is about to be sent. */
  creating(name: string): Sighting {
    const sighting: Sighting = { createdAt: performance.now(), statuses: [undefined] };
    this.sightings.set(name, sighting);
    return sighting;
  }

  /** Milliseconds from creation to what was seen. */
  waits(until: 'firstStatusAt' | 'readyAt'): number[] {
    return [...this.sightings.values()].flatMap((each) => (each[until] ?? Number.NaN) - each.createdAt);
  }

  last(of: 'firstStatusAt' | 'readyAt'): number {
    return [...this.sightings.values()].reduce((last, each) => Math.max(last, each[of] ?? 0), 0);
  }

  /** Of each object, until it was Ready. To be asked for when nothing is measured: it costs more than to watch. */
  writeCounts(): WriteCounts[] {
    return [...this.sightings.values()].map(({ statuses }) => {
      const counts = { status: 0, progress: 0, other: 0 };
      for (const [i, status] of statuses.entries())
        if (i > 0) counts[whatChanged(statuses[i - 1], status)] += 1;
      return counts;
    });
  }
}

/** Watches one kind in all namespaces, as a person with `kubectl get -w` does, and remembers when it saw what. */
export class Sightings {
  /** Versions of known objects that somebody wrote after they were created. */
  writes = 0;
  #changedAt = performance.now();
  readonly #crowds = new Map<string, Crowd>();
  readonly #waiting = new Set<() => void>();

  static async start(client: KubeClient, kind: Kind<KubeObject>, signal: AbortSignal): Promise<Sightings> {
    const log = pino({ level: 'warn', base: { program: 'bench' } }, process.stderr);
    const cache = new Informer<Seen>({ client, kind: { ...kind, schema: undefined }, log });
    const sightings = new Sightings();
    cache.onChange((change) => sightings.#take(change));
    void cache.start(signal);
    await cache.synced();
    return sightings;
  }

  in(namespace: string): Crowd {
    const crowd = this.#crowds.get(namespace) ?? new Crowd();
    this.#crowds.set(namespace, crowd);
    return crowd;
  }

  /** Resolves when it is so after a change; rejects when nothing changes for so long. */
  async until(what: string, is: () => boolean, patienceMs = 120_000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (is()) resolve();
    };
    const from = performance.now();
    const timer = setInterval(() => {
      if (performance.now() - Math.max(from, this.#changedAt) > patienceMs)
        reject(new Error(`${what}: nothing changed for ${patienceMs / 1000} s`));
    }, 1000);
    this.#waiting.add(look);
    look();
    try {
      await promise;
    } finally {
      clearInterval(timer);
      this.#waiting.delete(look);
    }
  }

  #take({ type, object, old }: Change<Seen>): void {
    const crowd = this.#crowds.get(object.metadata.namespace ?? '');
    const sighting = crowd?.sightings.get(object.metadata.name);
    if (!crowd || !sighting || type === 'deleted') return;
    this.#changedAt = performance.now();
    const { status } = object;
    if (old || status?.conditions) {
      this.writes += 1;
      if (sighting.readyAt === undefined) sighting.statuses.push(status);
    }
    if (status?.conditions && sighting.firstStatusAt === undefined) {
      sighting.firstStatusAt = this.#changedAt;
      crowd.withStatus += 1;
    }
    const ready = findCondition(status?.conditions, 'Ready');
    if (ready?.status === 'True' && sighting.readyAt === undefined) {
      sighting.readyAt = this.#changedAt;
      crowd.ready += 1;
    }
    for (const look of this.#waiting) look();
  }
}

/** `progress`: nothing but how far something is, which the messages of conditions tell as well. */
function whatChanged(before: Status | undefined, now: Status | undefined): 'status' | 'progress' | 'other' {
  if (stableJson(before) === stableJson(now)) return 'other';
  const how = (status?: Status) => stableJson([status?.progress, status?.load]);
  const rest = ({ conditions, ...members }: Status = {}) =>
    stableJson({
      ...members,
      progress: undefined,
      load: undefined,
      conditions: conditions?.map((condition) => ({ ...condition, message: undefined })),
    });
  return how(before) !== how(now) && rest(before) === rest(now) ? 'progress' : 'status';
}
