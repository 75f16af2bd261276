import type { Model } from '../../../api/model.ts';
import type { Job } from '../../../kube/builtin.ts';
import type { Change } from '../../../kube/informer.ts';
import { formatKey, keyOf, parseKey, type Key, type KubeObject, type Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { hasEnded } from '../jobs/attempts.ts';
import { edges, type Turn } from './turn.ts';
import { inOrder, WaitingLine, type Waiting } from './waiting-line.ts';

/** Pulls at the same time, at most; absent: as many as there are. */
export interface PullLimits {
  /** In all namespaces of the operator. */
  cluster?: number | undefined;
  /** In each namespace. */
  namespace?: number | undefined;
}

export interface PullQueueOptions {
  limits: PullLimits;
  /** Has a Model looked at again. Must not block. */
  wake: (model: Key) => void;
  now?: (() => Date) | undefined;
}

interface Followed {
  jobs: { onChange(handler: (change: Change<Job>) => void): unknown };
  models: { onChange(handler: (change: Change<Model>) => void): unknown };
}

/** What a Model holds: a place for each of its Jobs, and one while a Job of it is being made. */
interface Held {
  jobs: number;
  isReserved: boolean;
  /** Runs while it is not known whether there is a Job. */
  doubt?: NodeJS.Timeout;
}

const nothing: Held = { jobs: 0, isReserved: false };

function placesOf({ jobs, isReserved }: Held): number {
  return Math.max(jobs, isReserved ? 1 : 0);
}

/** For so long a Job may be on its way whose request had no answer: longer than a dead watch goes unnoticed. */
const doubtMs = 180_000;

/**
 * Decides whose pull starts next (docs/adr/0022). Its state is that of the cluster: what runs are the pull Jobs that have
 * not ended, and who waits are the Models whose status says since when. Beside that it holds, between a decision and the
 * Job that comes of it, one place for each Model that was told to go ahead.
 *
 * A reconcile asks `turnOf`, and says by `heed` what it has decided before it awaits anything, so that no two are given
 * the same place; at its end comes `settle`.
 */
export class PullQueue {
  readonly #limits: PullLimits;
  readonly #wake: (model: Key) => void;
  readonly #now: () => Date;
  /** Pull Jobs. */
  readonly #running = new Set<string>();
  /** By Model. */
  readonly #held = new Map<string, Held>();
  /** Places that are taken, of all namespaces and of each. */
  #all = 0;
  readonly #taken = new Map<string, number>();
  readonly #line = new WaitingLine();
  readonly #lines = new Map<string, WaitingLine>();
  /**
   * Models that are being reconciled, and whether a Job of theirs is being made: what they are about to say counts, and not
   * what the cache has.
   */
  readonly #inFlight = new Map<string, boolean>();
  /** Models that wait and whose last reconcile failed: nobody is held up by them until they ask again. */
  readonly #passed = new Set<string>();

  constructor({ limits, wake, now = () => new Date() }: PullQueueOptions) {
    this.#limits = limits;
    this.#wake = wake;
    this.#now = now;
  }

  get isLimited(): boolean {
    return this.#limits.cluster !== undefined || this.#limits.namespace !== undefined;
  }

  /** To be called before anything is reconciled, with caches that hold every Job that an earlier leader has made. */
  follow({ jobs, models }: Followed): void {
    if (!this.isLimited) return;
    jobs.onChange((change) => this.#seeJob(change));
    models.onChange(({ type, object }) => {
      const key = formatKey(keyOf(object));
      if (!this.#inFlight.has(key)) this.#place(key, type === 'deleted' ? undefined : waitsSince(object));
    });
  }

  /** Whether the pull of this Model may start now. */
  turnOf(model: Live<Model>): Turn {
    if (!this.isLimited) return { at: 'now' };
    const key = formatKey(keyOf(model));
    this.#inFlight.set(key, false);
    this.#passed.delete(key);
    // It may be that its Job is there.
    if (this.#held.get(key)?.isReserved) return { at: 'now' };
    const since = model.status?.queue?.since ?? this.#now().toISOString();
    const { namespace } = keyOf(model);
    const [line, ofNamespace] = [this.#line, this.#lineOf(namespace)];
    const isNew = !line.has(key);
    if (isNew) for (const each of [line, ofNamespace]) each.join({ key, since });
    const isNext = this.#next().some((each) => each.key === key);
    const isFull = this.#freeIn(namespace) <= 0;
    const place = (isFull ? ofNamespace : line).placeOf(key);
    if (isNew) {
      for (const each of [line, ofNamespace]) each.leave(key);
      this.#forget(namespace);
    }
    if (isNext) return { at: 'now' };
    const [scope, taken] = isFull
      ? (['namespace', this.#takenIn(namespace)] as const)
      : (['cluster', this.#all] as const);
    return { at: 'later', since, place, scope, taken, allowed: this.#limits[scope] ?? taken };
  }

  /** What was decided: that a Job is to be made now, or that the Model waits, and since when, or neither. */
  heed(model: Key, { starts, since }: { starts: boolean; since: string | undefined }): void {
    if (!this.isLimited) return;
    const key = formatKey(model);
    this.#inFlight.set(key, starts);
    if (starts) this.#change(key, (held) => ({ ...held, isReserved: true }));
    this.#place(key, starts ? undefined : since);
  }

  /** The end of a reconcile, with the Model as the cache has it then. */
  settle(model: Key, cached: Live<Model> | undefined, hasFailed: boolean): void {
    if (!this.isLimited) return;
    const key = formatKey(model);
    const wasRefused = !hasFailed && this.#inFlight.get(key) === true;
    this.#inFlight.delete(key);
    const { jobs, isReserved, doubt } = this.#held.get(key) ?? nothing;
    if (jobs > 0 || (wasRefused && !doubt)) this.#release(key);
    else if (isReserved && !doubt) this.#doubt(key);
    this.#place(key, cached && waitsSince(cached));
    if (hasFailed && this.#line.has(key)) this.#passed.add(key);
    this.#wakeNext(key);
  }

  #seeJob({ type, object: job }: Change<Job>): void {
    const { [labels.task]: task, [labels.model]: name = '' } = job.metadata.labels ?? {};
    if (task !== 'pull') return;
    const { namespace } = keyOf(job);
    const [key, model] = [formatKey(keyOf(job)), formatKey({ namespace, name })];
    const runs = type !== 'deleted' && !hasEnded(job);
    if (runs === this.#running.has(key)) return;
    if (runs) {
      this.#running.add(key);
      this.#change(model, (held) => ({ ...held, jobs: held.jobs + 1 }));
      this.#release(model, this.#inFlight.get(model));
    } else {
      this.#running.delete(key);
      this.#change(model, (held) => ({ ...held, jobs: held.jobs - 1 }));
      this.#wakeNext();
    }
  }

  /** Ends the doubt, and the reservation too unless a Job is being made at this moment. */
  #release(key: string, isReserved = false): void {
    clearTimeout(this.#held.get(key)?.doubt);
    this.#change(key, ({ jobs }) => ({ jobs, isReserved }));
  }

  /** Whether there is a Job is not known: its place stays taken until the Job is seen or would have been. */
  #doubt(key: string): void {
    const doubt = setTimeout(() => {
      this.#release(key);
      this.#wakeNext();
    }, doubtMs);
    this.#change(key, (held) => ({ ...held, doubt: doubt.unref() }));
  }

  #change(key: string, change: (held: Held) => Held): void {
    const before = this.#held.get(key) ?? nothing;
    const held = change(before);
    if (held.jobs > 0 || held.isReserved) this.#held.set(key, held);
    else this.#held.delete(key);
    const { namespace } = parseKey(key);
    const more = placesOf(held) - placesOf(before);
    this.#all += more;
    const taken = this.#takenIn(namespace) + more;
    if (taken > 0) this.#taken.set(namespace, taken);
    else this.#taken.delete(namespace);
  }

  /** Has the Model wait since then, or no more, and those told again whose place is another. */
  #place(key: string, since: string | undefined): void {
    const { namespace } = parseKey(key);
    const isWaiting = this.#line.has(key);
    if (isWaiting === (since !== undefined)) return;
    for (const line of [this.#line, this.#lineOf(namespace)]) {
      if (since !== undefined) {
        const joined = line.join({ key, since });
        for (const place of edges(line.length)) if (place >= joined) this.#tell(line.at(place + 1));
      } else {
        const left = line.leave(key);
        for (const place of edges(line.length)) if (place >= left) this.#tell(line.at(place));
      }
    }
    if (since !== undefined) return;
    this.#passed.delete(key);
    this.#forget(namespace);
    this.#wakeNext(key);
  }

  #tell(waiting: Waiting | undefined): void {
    if (waiting) this.#wake(parseKey(waiting.key));
  }

  #wakeNext(except?: string): void {
    for (const { key } of this.#next()) if (key !== except) this.#wake(parseKey(key));
  }

  /** Who of those that wait may start now: the first of each namespace that has room, as many as there is room for. */
  #next(): Waiting[] {
    const free = (this.#limits.cluster ?? Infinity) - this.#all;
    if (free <= 0) return [];
    return [...this.#lines]
      .flatMap(([namespace, line]) => line.first(Math.min(free, this.#freeIn(namespace)), this.#passed))
      .toSorted(inOrder)
      .slice(0, free);
  }

  #freeIn(namespace: string): number {
    return (this.#limits.namespace ?? Infinity) - this.#takenIn(namespace);
  }

  #takenIn(namespace: string): number {
    return this.#taken.get(namespace) ?? 0;
  }

  /** Namespaces come and go. */
  #forget(namespace: string): void {
    if (this.#lines.get(namespace)?.length === 0) this.#lines.delete(namespace);
  }

  #lineOf(namespace: string): WaitingLine {
    const line = this.#lines.get(namespace) ?? new WaitingLine();
    this.#lines.set(namespace, line);
    return line;
  }
}

function waitsSince({ metadata, status }: Live<Model>): string | undefined {
  return metadata.deletionTimestamp === undefined ? status?.queue?.since : undefined;
}

/** Whether what is to be made starts a pull. */
export function startsPull(apply: readonly { object: KubeObject }[]): boolean {
  return apply.some(({ object }) => object.metadata?.labels?.[labels.task] === 'pull');
}
