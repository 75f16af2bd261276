import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Model } from '../../../api/model.ts';
import type { Job } from '../../../kube/builtin.ts';
import type { Change } from '../../../kube/informer.ts';
import { formatKey, type Key, type Live } from '../../../kube/kind.ts';
import { aJob, aModel, meta } from '../../testing/objects.ts';
import { labels } from '../../labels.ts';
import { PullQueue, type PullLimits } from './pull-queue.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const namespaces = ['a', 'b', 'c'];
const names = ['p', 'q', 'r', 's'];
const keys: Key[] = namespaces.flatMap((namespace) => names.map((name) => ({ namespace, name })));

type End = 'ok' | 'refused' | 'failed' | 'lost';
type Move =
  | { do: 'want'; key: Key }
  | { do: 'leave'; key: Key }
  /** A worker takes a key that was woken. */
  | { do: 'begin'; pick: number }
  /** A reconcile ends: well, with a refusal, with no Job, or with a Job that nobody was told of yet. */
  | { do: 'end'; pick: number; as: End }
  | { do: 'finish'; pick: number }
  | { do: 'tell' }
  | { do: 'restart' };

const pick = fc.nat(20);
const key = fc.constantFrom(...keys);
const move: fc.Arbitrary<Move> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('want'), key }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('leave'), key }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('begin'), pick }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('end'),
      pick,
      as: fc.oneof(
        { weight: 3, arbitrary: fc.constant<End>('ok') },
        { weight: 1, arbitrary: fc.constantFrom<End>('refused', 'failed', 'lost') },
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('finish'), pick }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tell') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
);
const limits: fc.Arbitrary<PullLimits> = fc
  .record({
    cluster: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
    namespace: fc.option(fc.integer({ min: 1, max: 2 }), { nil: undefined }),
  })
  .filter(({ cluster, namespace }) => (cluster ?? namespace) !== undefined);

const mostAtOnce = 8;

/** A cluster with Models that want to be pulled, workers of an operator, and the queue between them. */
class Cluster {
  readonly limits: PullLimits;
  /** What is stored: since when each Model waits, and which have a Job that runs. */
  readonly waiting = new Map<string, string>();
  readonly jobs = new Set<string>();
  readonly wanted = new Set<string>();
  /** Jobs that the watch has yet to tell of. */
  readonly untold: string[] = [];
  /** Who was let go ahead and has no Job that the queue has seen: it keeps its place. */
  readonly ahead = new Set<string>();
  /** Of these, those of which it is not known whether they have one. */
  readonly doubtful = new Set<string>();
  woken = new Set<string>();
  working = new Map<string, boolean>();
  #clock = 0;
  #queue!: PullQueue;
  #tellJob!: (change: Change<Job>) => void;
  #tellModel!: (change: Change<Model>) => void;

  constructor(limits: PullLimits) {
    this.limits = limits;
    this.restart();
  }

  /** Another operator: it sees all Jobs that there are, and looks at every Model. */
  restart(): void {
    vi.clearAllTimers();
    this.working.clear();
    this.untold.length = 0;
    this.ahead.clear();
    this.doubtful.clear();
    this.woken = new Set(this.wanted);
    this.#queue = new PullQueue({
      limits: this.limits,
      wake: (model) => void this.woken.add(formatKey(model)),
      now: () => new Date((this.#clock += 1)),
    });
    this.#queue.follow({
      jobs: { onChange: (handler) => (this.#tellJob = handler) },
      models: { onChange: (handler) => (this.#tellModel = handler) },
    });
    for (const key of this.jobs) {
      this.wanted.delete(key);
      this.#tellJob({ type: 'added', object: jobOf(key), initial: true });
    }
    for (const key of this.waiting.keys())
      this.#tellModel({ type: 'added', object: this.#model(key), initial: true });
  }

  do(move: Move): void {
    if (move.do === 'want') this.#want(formatKey(move.key));
    if (move.do === 'leave') this.#leave(formatKey(move.key));
    if (move.do === 'begin') this.#begin(chosen([...this.woken], move.pick));
    if (move.do === 'end') this.#end(chosen([...this.working.keys()], move.pick), move.as);
    if (move.do === 'finish') this.#finish(chosen([...this.jobs], move.pick));
    if (move.do === 'tell') for (const key of this.untold.splice(0)) this.#tell(key);
    if (move.do === 'restart') this.restart();
    this.#check();
  }

  /** All goes well from here on: everybody has to get a turn. */
  drain(): void {
    this.do({ do: 'tell' });
    for (let round = 0; round < 500 && (this.wanted.size > 0 || this.jobs.size > 0); round += 1) {
      while (this.woken.size > 0 && this.working.size < mostAtOnce) {
        const key = [...this.woken].find((each) => !this.working.has(each));
        if (key === undefined) break;
        this.#begin(key);
      }
      for (const key of this.working.keys()) this.#end(key, 'ok');
      this.#check();
      if (this.woken.size > 0) continue;
      if (this.jobs.size > 0) this.#finish([...this.jobs][0]);
      else vi.advanceTimersByTime(180_000);
    }
  }

  #want(key: string): void {
    if (this.jobs.has(key) || this.wanted.has(key)) return;
    this.wanted.add(key);
    this.woken.add(key);
  }

  #leave(key: string): void {
    if (!this.wanted.delete(key) || this.working.has(key)) return;
    this.woken.add(key);
  }

  #begin(key: string | undefined): void {
    if (key === undefined || this.working.has(key) || this.working.size >= mostAtOnce) return;
    this.woken.delete(key);
    const model = this.#model(key);
    const turn = this.#queue.turnOf(model);
    const wants = this.wanted.has(key);
    const starts = wants && turn.at === 'now';
    if (starts && !this.ahead.has(key)) this.#expectFair(key);
    if (starts) this.ahead.add(key);
    const since = wants && turn.at === 'later' ? turn.since : undefined;
    this.#queue.heed(keyOf(key), { starts, since });
    if (starts) this.waiting.delete(key);
    this.#stored.set(key, since);
    this.working.set(key, starts);
  }
  readonly #stored = new Map<string, string | undefined>();

  #end(key: string | undefined, as: End): void {
    if (key === undefined) return;
    const starts = this.working.get(key);
    this.working.delete(key);
    const since = this.#stored.get(key);
    const hasFailed = as === 'failed' || as === 'lost';
    const isThere = this.jobs.has(key);
    if (starts && (as === 'ok' || as === 'lost')) {
      this.jobs.add(key);
      // One that was there was not made now, and the watch has not told of it.
      if (as === 'ok' && isThere) this.#queue.heed(keyOf(key), { starts: false, since: undefined });
      else if (as === 'ok') this.#tell(key);
      else if (!isThere) this.untold.push(key);
    }
    if (starts && as === 'ok') this.wanted.delete(key);
    if (!hasFailed) {
      if (!this.doubtful.has(key)) this.ahead.delete(key);
      if (since === undefined) this.waiting.delete(key);
      else this.waiting.set(key, since);
    } else {
      this.woken.add(key);
      if (starts) this.doubtful.add(key);
    }
    // A Model that was refused comes again after a while.
    if (starts && as === 'refused' && !isThere) this.woken.add(key);
    this.#queue.settle(keyOf(key), this.#model(key), hasFailed);
  }

  #finish(key: string | undefined): void {
    if (key === undefined || this.untold.includes(key)) return;
    this.jobs.delete(key);
    this.#tellJob({ type: 'deleted', object: jobOf(key) });
  }

  #tell(key: string): void {
    if (this.working.get(key) !== true) this.ahead.delete(key);
    this.doubtful.delete(key);
    this.wanted.delete(key);
    this.#tellJob({ type: 'added', object: jobOf(key) });
  }

  #model(key: string): Live<Model> {
    const since = this.waiting.get(key);
    const model = aModel({}, since === undefined ? {} : { queue: { since, position: 1 } });
    return { ...model, metadata: { ...model.metadata, ...keyOf(key) } };
  }

  #check(): void {
    const { cluster = Infinity, namespace = Infinity } = this.limits;
    expect(this.jobs.size).toBeLessThanOrEqual(cluster);
    for (const each of namespaces) expect(this.#runningIn(each)).toBeLessThanOrEqual(namespace);
  }

  #runningIn(namespace: string): number {
    return [...this.jobs].filter((key) => keyOf(key).namespace === namespace).length;
  }

  /** Nobody who is told to wait, is not being looked at, and has room in its namespace, has waited longer in vain. */
  #expectFair(key: string): void {
    const since = this.waiting.get(key);
    const { cluster = Infinity, namespace = Infinity } = this.limits;
    const taken = [...new Set([...this.jobs, ...this.ahead])];
    const takenIn = (each: string) =>
      taken.filter((other) => keyOf(other).namespace === keyOf(each).namespace).length;
    const before = [...this.waiting]
      .filter(
        ([other, began]) =>
          other !== key &&
          this.wanted.has(other) &&
          !this.working.has(other) &&
          !this.woken.has(other) &&
          (since === undefined || began < since) &&
          takenIn(other) < namespace,
      )
      .map(([other]) => other);
    // Those that are woken already, or about to be, have a free place each.
    const couldStart = namespaces.map((each) => {
      const there = before.filter((other) => keyOf(other).namespace === each);
      return Math.min(there.length, namespace - takenIn(`${each}/`));
    });
    expect(couldStart.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(
      Math.max(0, cluster - taken.length - 1),
    );
  }
}

function chosen<T>(items: readonly T[], pick: number): T | undefined {
  return items[pick % Math.max(1, items.length)];
}

function keyOf(key: string): Key {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

function jobOf(key: string): Live<Job> {
  const job = aJob({ request: 'r', task: 'pull' });
  const { namespace, name } = keyOf(key);
  const ours = { ...job.metadata.labels, [labels.model]: name };
  return { ...job, metadata: meta(`${name}-pull`, { namespace, labels: ours }) };
}

it('no more pulls run than may, whatever fails or restarts, and everybody gets a turn in time', () => {
  fc.assert(
    fc.property(limits, fc.array(move, { minLength: 20, maxLength: 120 }), (limits, moves) => {
      const cluster = new Cluster(limits);
      for (const each of moves) cluster.do(each);
      cluster.drain();
      expect([...cluster.wanted]).toEqual([]);
      expect([...cluster.jobs]).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
