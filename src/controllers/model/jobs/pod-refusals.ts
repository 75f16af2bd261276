import { events, type Job, type KubeEvent } from '../../../kube/builtin.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { ApiError } from '../../../kube/errors.ts';
import type { Live } from '../../../kube/kind.ts';
import { condense } from '../../text.ts';

/** A Job that has no pod so long after it was made is asked about, and again after this. */
export const secondsToFirstPod = 5;
export const secondsBetweenLooks = 20;
/** A list of events is a search through all of a namespace. */
const mostLooksPerSecond = 2;

interface Look {
  at: number;
  /** What the API server said last; undefined where it refused nothing. */
  message: string | undefined;
}

/**
 * Asks why Jobs have no pods. The Job controller tells of that by events and nowhere else, so they are listed for such a Job
 * alone, and not watched: those of a cluster are many. Where they may not be read, nothing is known.
 */
export class PodRefusals {
  readonly #client: Pick<KubeClient, 'list'>;
  readonly #now: () => Date;
  /** By uid of the Job, the longest ago first. */
  readonly #looks = new Map<string, Look>();
  #mayLookAt = 0;

  constructor(client: Pick<KubeClient, 'list'>, now: () => Date) {
    this.#client = client;
    this.#now = now;
  }

  /** By uid of the Job, why the API server refused its pods. The Jobs have not ended, and no pod of theirs was seen. */
  async of(podless: readonly Live<Job>[], signal: AbortSignal): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const job of podless) {
      const { uid } = job.metadata;
      if (this.#isDue(job)) await this.#look(job, signal);
      const message = this.#looks.get(uid)?.message;
      if (message !== undefined) found.set(uid, message);
    }
    return found;
  }

  #isDue({ metadata }: Live<Job>): boolean {
    const now = this.#now().getTime();
    const since = this.#looks.get(metadata.uid)?.at;
    const due =
      since === undefined
        ? Date.parse(metadata.creationTimestamp ?? '') + secondsToFirstPod * 1000
        : since + secondsBetweenLooks * 1000;
    return now >= due && now >= this.#mayLookAt;
  }

  async #look({ metadata: { uid, namespace } }: Live<Job>, signal: AbortSignal): Promise<void> {
    const at = this.#now().getTime();
    this.#mayLookAt = at + 1000 / mostLooksPerSecond;
    const fieldSelector = `regarding.uid=${uid},reason=FailedCreate`;
    const items = await this.#client.list(events, { namespace, fieldSelector, signal }).then(
      (list) => list.items,
      (error: unknown) => {
        if (error instanceof ApiError && error.status === 403) return [];
        throw error;
      },
    );
    const [newest] = items.toSorted((one, other) => timeOf(other) - timeOf(one));
    this.#looks.delete(uid);
    this.#looks.set(uid, { at, message: newest && wordsOf(newest) });
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

/** `Error creating: pods "x" is forbidden: ...` without the words of the Job controller. */
function wordsOf({ note = '' }: KubeEvent): string {
  return condense(note.replace(/^Error creating: /, ''));
}
