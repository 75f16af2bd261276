import { isDeepStrictEqual } from 'node:util';
import type { ZodType } from 'zod';
import type { Pod } from '../kube/builtin.ts';
import { formatKey, type Key, type Live } from '../kube/kind.ts';
import { isReachable, pollPod, type Fetch } from './poll.ts';

/** What a program in pods says of itself over HTTP. */
export interface Question<Answer> {
  port: number;
  path: string;
  schema: ZodType<Answer>;
  /** Whether a pod that runs need not be asked as things are; default never. */
  isEnough?: ((pod: Live<Pod>, heard: Heard<Answer>) => boolean) | undefined;
}

export interface Heard<Answer> {
  answer: Answer | undefined;
  /** How often in a row it was asked in vain since it answered last. */
  failures: number;
}

/** The last answer of a pod; `silent` when it was asked twice in a row in vain. */
export type Said<Answer> = Answer | 'silent';

export interface PodPollerOptions<Answer> {
  question: Question<Answer>;
  /** Told of the owner of a pod that says something else than before. Must not block. */
  onChange: (owner: Key) => void;
  fetch?: Fetch | undefined;
  /** Pods that are asked at the same time; default 128. */
  concurrency?: number | undefined;
}

/** From one answer to the next question: with a second for the answer, what is known is at most 3 s old. */
const everyMs = 2000;
/** Between two questions to a pod that does not answer, at most. */
const longestMs = 10_000;
const silentAfter = 2;

/**
 * Asks pods how far they are, so that no reconcile waits for one, and has an owner reconciled only when there is news.
 *
 * - `follow` names the pods of an owner, in the place of those it named before. Those that run are asked from `start`
 *   on, at once and then every two seconds; those that do not answer more and more seldom, and after those that do.
 * - A container that was started again is another to ask: what it said before is forgotten.
 * - With no pod to ask there is no timer.
 */
export class PodPoller<Answer> {
  readonly #options: PodPollerOptions<Answer>;
  readonly #concurrency: number;
  readonly #owners = new Map<string, Map<string, Asked<Answer>>>();
  /** In the order in which they came due: pods that answer, and those that do not. */
  readonly #due = [new Set<Asked<Answer>>(), new Set<Asked<Answer>>()] as const;
  #asking = 0;
  #running = false;

  constructor(options: PodPollerOptions<Answer>) {
    this.#options = options;
    this.#concurrency = options.concurrency ?? 128;
  }

  /** Asks until the signal is aborted; resolves then. */
  async start(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#running = true;
    for (const asked of this.#all()) this.#consider(asked);
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve, { once: true });
    });
    this.#running = false;
    for (const asked of this.#all()) this.#drop(asked);
  }

  /** What the owner's pods said last, by pod name; those that were not heard yet are absent. */
  follow(owner: Key, pods: readonly Live<Pod>[]): Map<string, Said<Answer>> {
    const key = formatKey(owner);
    const before = this.#owners.get(key);
    const now = new Map<string, Asked<Answer>>();
    const said = new Map<string, Said<Answer>>();
    for (const pod of pods) {
      if (!isReachable(pod)) continue;
      const run = runOf(pod);
      const asked = before?.get(run) ?? { owner, pod, answer: undefined, failures: 0, isPlanned: false };
      before?.delete(run);
      asked.pod = pod;
      now.set(run, asked);
      this.#consider(asked);
      const last = saidBy(asked);
      if (last !== undefined) said.set(pod.metadata.name, last);
    }
    for (const asked of before?.values() ?? []) this.#drop(asked);
    if (now.size > 0) this.#owners.set(key, now);
    else this.#owners.delete(key);
    return said;
  }

  *#all(): Generator<Asked<Answer>> {
    for (const pods of this.#owners.values()) yield* pods.values();
  }

  /** Has a pod asked that is not going to be asked already. */
  #consider(asked: Asked<Answer>): void {
    if (this.#running && !asked.isPlanned) this.#comeDue(asked);
  }

  #comeDue(asked: Asked<Answer>): void {
    // It may have become ready since.
    asked.isPlanned = !this.#options.question.isEnough?.(asked.pod, asked);
    if (!asked.isPlanned) return;
    this.#due[asked.failures === 0 ? 0 : 1].add(asked);
    this.#askNext();
  }

  #askNext(): void {
    while (this.#asking < this.#concurrency) {
      const asked = this.#takeDue();
      if (!asked) return;
      this.#asking += 1;
      void this.#ask(asked).finally(() => {
        this.#asking -= 1;
        this.#askNext();
      });
    }
  }

  #takeDue(): Asked<Answer> | undefined {
    for (const due of this.#due) {
      for (const asked of due) {
        due.delete(asked);
        return asked;
      }
    }
    return undefined;
  }

  async #ask(asked: Asked<Answer>): Promise<void> {
    const { question, onChange, fetch } = this.#options;
    const { port, path, schema } = question;
    const { success, data } = schema.safeParse(await pollPod(asked.pod, port, path, fetch));
    if (!this.#running || !asked.isPlanned) return;
    const before = saidBy(asked);
    asked.failures = success ? 0 : asked.failures + 1;
    if (success) asked.answer = data;
    asked.isPlanned = !question.isEnough?.(asked.pod, asked);
    if (asked.isPlanned) asked.timer = setTimeout(() => this.#comeDue(asked), waitMs(asked.failures));
    if (!isDeepStrictEqual(before, saidBy(asked))) onChange(asked.owner);
  }

  #drop(asked: Asked<Answer>): void {
    clearTimeout(asked.timer);
    for (const due of this.#due) due.delete(asked);
    asked.isPlanned = false;
  }
}

/** One run of a pod's container. */
interface Asked<Answer> extends Heard<Answer> {
  readonly owner: Key;
  pod: Live<Pod>;
  /** It waits for its time, is due or is being asked. */
  isPlanned: boolean;
  timer?: NodeJS.Timeout;
}

function runOf({ metadata, status }: Live<Pod>): string {
  return `${metadata.uid}/${status?.containerStatuses?.[0]?.restartCount ?? 0}`;
}

function saidBy<Answer>({ answer, failures }: Heard<Answer>): Said<Answer> | undefined {
  return failures < silentAfter ? answer : 'silent';
}

function waitMs(failures: number): number {
  return Math.min(longestMs, everyMs * 2 ** Math.max(0, failures - 1));
}
