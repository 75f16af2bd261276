import { events, type KubeEvent } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import type { KubeObject, Live } from '../kube/kind.ts';
import { condense } from './text.ts';

/** A list of events is a search through all of a namespace, so those who ask take turns. */
const msBetweenTurns = 500;
/** Events come after what they tell of, on a busy cluster by many seconds: who was told nothing asks again so soon. */
const secondsAfterSilence = 2;
/** What nobody has asked about for so long is forgotten. */
const msToForget = 600_000;

/** What is told by events and nowhere else. */
export interface EventQuestion {
  /** Of the events, beside the object that they regard: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/ */
  fields: string;
  /** Which of those count; default all. */
  counts?: (event: KubeEvent) => boolean;
  /** An object that was made so long ago is asked about. */
  secondsToFirst: number;
  /** And again after this. As long as there is nothing, the pauses double up to it, from two seconds on. */
  secondsBetween: number;
  /** What stands before the words that people are to read. */
  prefix?: RegExp;
}

/** What is known of an object. */
interface Known {
  /** When it is asked about next, in ms since the epoch. */
  nextAt: number;
  /** Whether that is its turn, and nobody else's. */
  hasTurn: boolean;
  /** Seconds that it waited for its next look when it was told nothing. */
  pause: number;
  /** What the newest event says; undefined where there was none. */
  message: string | undefined;
}

/**
 * Asks what events say of single objects that something is the matter with. They are listed for these alone, and not
 * watched: those of a cluster are many. Where they may not be read, nothing is known.
 */
export class EventLooks {
  readonly #client: Pick<KubeClient, 'list'>;
  readonly #now: () => Date;
  readonly #question: EventQuestion;
  /** By uid. */
  readonly #known = new Map<string, Known>();
  #nextTurnAt = 0;

  constructor(client: Pick<KubeClient, 'list'>, now: () => Date, question: EventQuestion) {
    this.#client = client;
    this.#now = now;
    this.#question = question;
  }

  /** By uid, what is said of these objects. Those whose look is due and not their turn yet are given one. */
  async of(objects: readonly Live<KubeObject>[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const object of objects) {
      const { uid } = object.metadata;
      const known = this.#knownOf(object);
      const now = this.#now().getTime();
      if (now >= known.nextAt && !known.hasTurn) {
        known.nextAt = Math.max(now, this.#nextTurnAt);
        known.hasTurn = true;
        this.#nextTurnAt = known.nextAt + msBetweenTurns;
      }
      this.#known.set(uid, known);
      if (now >= known.nextAt) await this.#look(object, known, signal);
      if (known.message !== undefined) found.set(uid, known.message);
    }
    return found;
  }

  /** Until the next look at one of these, which `of` has been asked about; undefined where there are none. */
  secondsToNext(objects: readonly Live<KubeObject>[]): number | undefined {
    if (objects.length === 0) return undefined;
    const next = Math.min(...objects.map((object) => this.#knownOf(object).nextAt));
    return Math.max(0, next - this.#now().getTime()) / 1000;
  }

  #knownOf({ metadata: { uid, creationTimestamp } }: Live<KubeObject>): Known {
    const made = Date.parse(creationTimestamp ?? '') || this.#now().getTime();
    const nextAt = made + this.#question.secondsToFirst * 1000;
    return this.#known.get(uid) ?? { nextAt, hasTurn: false, pause: 0, message: undefined };
  }

  async #look(
    { metadata: { uid, namespace } }: Live<KubeObject>,
    known: Known,
    signal: AbortSignal,
  ): Promise<void> {
    const { fields, counts = () => true, prefix, secondsBetween } = this.#question;
    const at = this.#now().getTime();
    // Before the answer: where the question fails, it is not put again at once.
    known.pause = Math.min(secondsBetween, known.pause * 2 || secondsAfterSilence);
    known.nextAt = at + known.pause * 1000;
    known.hasTurn = false;
    const fieldSelector = `regarding.uid=${uid},${fields}`;
    const items = await this.#client.list(events, { namespace, fieldSelector, signal }).then(
      (list) => list.items,
      (error: unknown) => {
        if (error instanceof ApiError && error.status === 403) return [];
        throw error;
      },
    );
    const [newest] = items.filter(counts).toSorted((one, other) => timeOf(other) - timeOf(one));
    const words = newest?.note ?? '';
    known.message = newest && condense(prefix ? words.replace(prefix, '') : words);
    if (newest) {
      known.pause = 0;
      known.nextAt = at + secondsBetween * 1000;
    }
    for (const [other, { nextAt }] of this.#known) {
      if (at - nextAt > msToForget) this.#known.delete(other);
    }
  }
}

function timeOf({ series, eventTime, deprecatedLastTimestamp, metadata }: KubeEvent): number {
  const times = [series?.lastObservedTime, deprecatedLastTimestamp, eventTime, metadata?.creationTimestamp];
  return Math.max(...times.map((time) => Date.parse(time ?? '') || 0));
}
