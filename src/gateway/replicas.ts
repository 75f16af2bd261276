import type { ModelServer } from '../api/modelserver.ts';
import { isReady } from '../controllers/pods.ts';
import type { Pod } from '../kube/builtin.ts';
import { formatKey, keyOf, type Live } from '../kube/kind.ts';
import type { Caches } from './caches.ts';

/** A pod that takes requests, and whose it is. */
export interface Replica {
  uid: string;
  /** E.g. `http://10.1.2.3:8080`. */
  origin: string;
  server: Live<ModelServer>;
}

/** A replica that was chosen for a request. */
export interface Taken extends Replica {
  /** To be called when its answer is over; further calls do nothing. */
  release(): void;
  /** It could not be reached: for a moment, others are chosen before it. */
  avoid(): void;
}

export interface ReplicasOptions {
  pods: Caches['pods'];
  /** Of the runtime in every pod. */
  port: number;
  /** Milliseconds. */
  now?: (() => number) | undefined;
  random?: (() => number) | undefined;
}

/** Milliseconds: by then a pod that is gone is not ready either. */
const avoidedFor = 5000;

/** Chooses pods: the one with the fewest requests of this gateway on their way, by lot among equals. */
export class Replicas {
  readonly #pods: Caches['pods'];
  readonly #port: number;
  readonly #now: () => number;
  readonly #random: () => number;
  /** By uid of the pod. */
  readonly #underway = new Map<string, number>();
  readonly #avoidedUntil = new Map<string, number>();

  constructor({ pods, port, now = () => performance.now(), random = Math.random }: ReplicasOptions) {
    this.#pods = pods;
    this.#port = port;
    this.#now = now;
    this.#random = random;
  }

  /** Those of the servers that take requests: ready, and not about to end. */
  ready(servers: readonly Live<ModelServer>[]): Replica[] {
    return servers.flatMap((server) =>
      this.#pods.by('server', formatKey(keyOf(server))).flatMap((pod) => {
        const origin = this.#originOf(pod);
        return origin === undefined ? [] : [{ uid: pod.metadata.uid, origin, server }];
      }),
    );
  }

  /** The best of them that was not tried; undefined when there is none. */
  take(servers: readonly Live<ModelServer>[], tried: ReadonlySet<string>): Taken | undefined {
    const candidates = this.ready(servers).filter(({ uid }) => !tried.has(uid));
    const costs = candidates.map((replica) => this.#cost(replica));
    const least = Math.min(...costs);
    const best = candidates.filter((_, i) => costs[i] === least);
    const chosen = best[Math.floor(this.#random() * best.length)];
    return chosen && this.#taken(chosen);
  }

  /** Requests on their way to a replica. */
  underway({ uid }: Replica): number {
    return this.#underway.get(uid) ?? 0;
  }

  #cost(replica: Replica): number {
    const avoided = (this.#avoidedUntil.get(replica.uid) ?? 0) > this.#now();
    return this.underway(replica) + (avoided ? 1e9 : 0);
  }

  #taken(replica: Replica): Taken {
    const { uid } = replica;
    this.#underway.set(uid, this.underway(replica) + 1);
    let held = true;
    return {
      ...replica,
      release: () => {
        if (!held) return;
        held = false;
        const left = this.underway(replica) - 1;
        if (left > 0) this.#underway.set(uid, left);
        else this.#underway.delete(uid);
      },
      avoid: () => {
        const now = this.#now();
        for (const [each, until] of this.#avoidedUntil) if (until <= now) this.#avoidedUntil.delete(each);
        this.#avoidedUntil.set(uid, now + avoidedFor);
      },
    };
  }

  #originOf(pod: Live<Pod>): string | undefined {
    const { phase, podIP } = pod.status ?? {};
    const takes = phase === 'Running' && pod.metadata.deletionTimestamp === undefined && isReady(pod);
    if (!takes || podIP === undefined) return undefined;
    return `http://${podIP.includes(':') ? `[${podIP}]` : podIP}:${this.#port}`;
  }
}
