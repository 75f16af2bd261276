import { events, type KubeEvent } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import type { KubeObject, Live } from '../kube/kind.ts';
import { condense } from './text.ts';

/** A list of events is a search through all of a namespace. */
const mostLooksPerSecond = 2;

/** What is told by events and nowhere else. */
export interface EventQuestion {
  /** Of the events, beside the object that they regard: https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/ */
  fields: string;
  /** Which of those count; default all. */
  counts?: (event: KubeEvent) => boolean;
  /** An object that was made so long ago is asked about, and again after this. */
  secondsToFirst: number;
  secondsBetween: number;
  /** What stands before the words that people are to read. */
  prefix?: RegExp;
}

interface Look {
  at: number;
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
  /** By uid, the longest ago first. */
  readonly #looks = new Map<string, Look>();
  #mayLookAt = 0;

  constructor(client: Pick<KubeClient, 'list'>, now: () => Date, question: EventQuestion) {
    this.#client = client;
    this.#now = now;
    this.#question = question;
  }

  /** By uid, what is said of these objects. */
  async of(objects: readonly Live<KubeObject>[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const object of objects) {
      const { uid } = object.metadata;
      const mayLook = this.#now().getTime() >= this.#mayLookAt;
      if (mayLook && this.#isDue(object)) await this.#look(object, signal);
      const message = this.#looks.get(uid)?.message;
      if (message !== undefined) found.set(uid, message);
    }
    return found;
  }

  /**
   * Whether one of them should have been asked about, and others were. To be looked at again in a second: after the same
   * pause as those others it would come too late each time.
   */
  isBehind(objects: readonly Live<KubeObject>[]): boolean {
    return objects.some((object) => this.#isDue(object));
  }

  #isDue({ metadata }: Live<KubeObject>): boolean {
    const { secondsToFirst, secondsBetween } = this.#question;
    const now = this.#now().getTime();
    const since = this.#looks.get(metadata.uid)?.at;
    const due =
      since === undefined
        ? Date.parse(metadata.creationTimestamp ?? '') + secondsToFirst * 1000
        : since + secondsBetween * 1000;
    return now >= due;
  }

  async #look({ metadata: { uid, namespace } }: Live<KubeObject>, signal: AbortSignal): Promise<void> {
    const { fields, counts = () => true, prefix } = this.#question;
    const at = this.#now().getTime();
    this.#mayLookAt = at + 1000 / mostLooksPerSecond;
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
    this.#looks.delete(uid);
    this.#looks.set(uid, { at, message: newest && condense(prefix ? words.replace(prefix, '') : words) });
    for (const [known, look] of this.#looks) {
      if (at - look.at < 600_000) break;
      this.#looks.delete(known);
    }
  }
}

function timeOf({ series, eventTime, deprecatedLastTimestamp, metadata }: KubeEvent): number {
  const times = [series?.lastObservedTime, deprecatedLastTimestamp, eventTime, metadata?.creationTimestamp];
  return Math.max(...times.map((time) => Date.parse(time ?? '') || 0));
}
