import type { Lease } from '../builtin.ts';
import type { KubeClient } from '../client.ts';
import type { ElectionClock } from '../election-options.ts';
import { ApiError } from '../errors.ts';
import type { Kind, KubeObject, Live, Ref } from '../kind.ts';

/** What becomes of one request, in true milliseconds; `back` is for the answer. */
export interface Fate {
  end: 'answered' | 'refused' | 'carried out, answer lost' | 'carried out, connection cut';
  there: number;
  back: number;
}

/** How the clocks of a machine run: true time is 1, and dates may stand still or run backwards. */
export interface Clocks {
  rate: number;
  offsetMs: number;
  dateRate: number;
  dateOffsetMs: number;
}

export const trueClocks: Clocks = { rate: 1, offsetMs: 0, dateRate: 1, dateOffsetMs: 0 };

interface Happening {
  at: number;
  run: () => void;
  machine: Machine | undefined;
}

/** True time, and an API server with one Lease. Nothing happens but in `advance`. */
export class Simulation {
  now = 0;
  /** Every version of the Lease; undefined where it was deleted. */
  readonly versions: (Live<Lease> | undefined)[] = [];
  /** Of the next request. */
  fate: () => Fate = () => ({ end: 'answered', there: 5, back: 5 });
  #happenings: Happening[] = [];

  get lease(): Live<Lease> | undefined {
    return this.versions.at(-1);
  }

  at(time: number, run: () => void, machine?: Machine): () => void {
    const happening = { at: Math.max(time, this.now), run, machine };
    const after = this.#happenings.findIndex((other) => other.at > happening.at);
    this.#happenings.splice(after === -1 ? this.#happenings.length : after, 0, happening);
    return () => {
      const place = this.#happenings.indexOf(happening);
      if (place !== -1) this.#happenings.splice(place, 1);
    };
  }

  /** Lets things happen up to a time; `look` is called before and after each. */
  async advance(until: number, look: () => void = () => {}): Promise<void> {
    await everythingSettled();
    for (;;) {
      const [next] = this.#happenings;
      if (next === undefined || next.at > until) break;
      this.#happenings.shift();
      this.now = next.at;
      look();
      const { machine } = next;
      if (machine?.dead) continue;
      if (machine !== undefined && machine.pausedUntil > this.now) {
        this.at(machine.pausedUntil, next.run, machine);
        continue;
      }
      next.run();
      await everythingSettled();
      look();
    }
    this.now = until;
  }

  delete(): void {
    this.versions.push(undefined);
  }

  /** As the API server changes objects: a stale version is a Conflict, and a change of nothing is none. */
  write(
    verb: 'create' | 'patch',
    { metadata, spec }: { metadata?: { resourceVersion?: string | undefined }; spec?: Lease['spec'] },
  ): Live<Lease> {
    const current = this.lease;
    if (verb === 'create' && current !== undefined) throw refusal(409, 'AlreadyExists');
    if (verb === 'patch') {
      if (current === undefined) throw refusal(404, 'NotFound');
      if (current.metadata.resourceVersion !== metadata?.resourceVersion) throw refusal(409, 'Conflict');
      if (JSON.stringify({ ...current.spec, ...spec }) === JSON.stringify(current.spec)) return current;
    }
    const resourceVersion = String(this.versions.length + 1);
    const uid = current?.metadata.uid ?? `made-at-${resourceVersion}`;
    const next: Live<Lease> = {
      metadata: { name: 'l', namespace: 'n', uid, resourceVersion },
      spec: { ...current?.spec, ...spec },
    };
    this.versions.push(next);
    return next;
  }
}

/** A process on a machine with its own clocks, its own way to the API server, and moments in which it is stopped. */
export class Machine {
  pausedUntil = 0;
  dead = false;
  readonly clock: ElectionClock;
  readonly client: Pick<KubeClient, 'get' | 'create' | 'patch'>;
  readonly #world: Simulation;
  readonly #clocks: Clocks;

  constructor(world: Simulation, clocks: Clocks = trueClocks) {
    this.#world = world;
    this.#clocks = clocks;
    this.clock = {
      now: () => clocks.offsetMs + clocks.rate * world.now,
      date: () => new Date(Date.UTC(2030, 0) + clocks.dateOffsetMs + Math.round(clocks.dateRate * world.now)),
      sleep: (ms, signal) => this.#sleep(ms, signal),
      random: () => (world.now % 10) / 10,
    };
    const get = () => {
      if (world.lease === undefined) throw refusal(404, 'NotFound');
      return world.lease;
    };
    this.client = {
      get: <T extends KubeObject>(_kind: Kind<T>, _ref: Ref, { signal }: { signal?: AbortSignal } = {}) =>
        this.#request(get, signal) as Promise<unknown> as Promise<Live<T>>,
      create: <T extends KubeObject>(
        _kind: Kind<T>,
        object: object,
        { signal }: { signal?: AbortSignal } = {},
      ) => this.#request(() => world.write('create', object), signal) as Promise<unknown> as Promise<Live<T>>,
      patch: <T extends KubeObject>(
        _kind: Kind<T>,
        _ref: Ref,
        patch: object,
        { signal }: { signal?: AbortSignal } = {},
      ) => this.#request(() => world.write('patch', patch), signal) as Promise<unknown> as Promise<Live<T>>,
    };
  }

  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.#world.now + ms);
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const cancel = this.#world.at(this.#world.now + ms / this.#clocks.rate, resolve, this);
      signal?.addEventListener('abort', () => {
        cancel();
        reject(signal.reason as Error);
      });
    });
  }

  #request<R>(carryOut: () => R, signal?: AbortSignal): Promise<R> {
    const world = this.#world;
    const { end, there, back } = world.fate();
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
    if (signal?.aborted) reject(signal.reason as Error);
    else if (end === 'refused') world.at(world.now + there, () => reject(refusal(0, 'Unreachable')), this);
    else {
      // What is on the wire does not stop with its sender.
      world.at(world.now + there, () => {
        let answer: () => void;
        try {
          const result = carryOut();
          answer = () => resolve(result);
        } catch (error) {
          answer = () => reject(error);
        }
        if (end === 'carried out, connection cut') answer = () => reject(refusal(0, 'Unreachable'));
        if (end !== 'carried out, answer lost') world.at(world.now + back, answer, this);
      });
    }
    return promise;
  }
}

function refusal(status: number, reason: string): ApiError {
  return new ApiError({ status, reason, message: reason });
}

/** After all promises that can settle without anything else happening. */
function everythingSettled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
