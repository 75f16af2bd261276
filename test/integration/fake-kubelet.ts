import { labels } from '../../src/controllers/labels.ts';
import type { Task } from '../../src/controllers/model/jobs/jobs.ts';
import type { Pod } from '../../src/kube/builtin.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Live } from '../../src/kube/kind.ts';
import type { PullerProgress, PullerReason, PullerReport } from '../../src/protocols/puller.ts';
import { progressPort } from '../../src/protocols/puller.ts';
import { runtimePort } from '../../src/protocols/runtime.ts';
import { listenOnLoopback } from './pod-address.ts';
import type { Answers, Listener } from './pod-address.ts';
import { PlayedPod } from './played-pod.ts';
import type { Recording } from './recording.ts';
import type { Weights } from './weights.ts';

/** Pods of a Model's Job, or of a ModelServer. */
export type Which = { model: string; task: Task } | { server: string };

/** What becomes of a pod. */
export type Part = (pod: PlayedPod) => Promise<void>;

/**
 * Plays the kubelet for the pods that the Job and ReplicaSet controllers make: a test takes a pod and says what becomes
 * of it, or leaves parts for pods to come. Pods stay unscheduled for the API server, so that deleting one takes no time.
 */
export class FakeKubelet {
  readonly #client: KubeClient;
  readonly #pods: Recording<Pod>;
  readonly #signal: AbortSignal;
  readonly #taken = new Set<string>();
  /** What is left to be played, by whose pods. Each pod is looked at when it comes, not all of them at each change. */
  readonly #scripts = new Map<string, Iterator<Part>[]>();
  readonly #listeners = new Set<Listener>();
  /** What went wrong in a part that nobody waits for. */
  readonly troubles: unknown[] = [];

  constructor(client: KubeClient, recording: Recording<Pod>, signal: AbortSignal) {
    this.#client = client;
    this.#pods = recording;
    this.#signal = signal;
    recording.onChange(({ type, object }) => {
      if (type !== 'DELETED') this.#cast(object);
    });
    signal.addEventListener('abort', () => {
      for (const listener of this.#listeners) listener.close();
    });
  }

  /** The next pod that nobody has taken yet. */
  next(which: Which, timeout?: number): Promise<PlayedPod> {
    const take = (): PlayedPod | undefined => {
      const [pod] = this.#free(which);
      return pod && this.#take(pod);
    };
    return this.#pods.until(`a pod of ${JSON.stringify(which)}`, take, timeout);
  }

  /** The next pods of `which` play these parts, in this order. */
  plays(which: Which, ...parts: readonly Part[]): void {
    this.#follow(which, parts[Symbol.iterator]());
  }

  /** Every pod of `which` to come plays this part. */
  always(which: Which, part: Part): void {
    const endlessly = function* (): Generator<Part> {
      for (;;) yield part;
    };
    this.#follow(which, endlessly());
  }

  /** The Model of this name is inspected and pulled and nothing goes wrong. */
  provides(model: string, weights: Weights): void {
    this.plays({ model, task: 'inspect' }, reports({ inspection: weights.inspection }));
    this.plays({ model, task: 'pull' }, reports({ publication: weights.publication }));
  }

  #follow(which: Which, script: Iterator<Part>): void {
    const place = placeOf(labelsOf(which));
    this.#scripts.set(place, [...(this.#scripts.get(place) ?? []), script]);
    for (const pod of this.#free(which)) this.#cast(pod);
  }

  /** Gives the pod the next part that is there for it. */
  #cast(pod: Live<Pod>): void {
    if (!this.#isFree(pod)) return;
    const scripts = this.#scripts.get(placeOf(pod.metadata.labels)) ?? [];
    for (const script of scripts) {
      const next = script.next();
      if (next.done === true) continue;
      next.value(this.#take(pod)).catch((error: unknown) => {
        if (!this.#signal.aborted) this.troubles.push(error);
      });
      return;
    }
  }

  #free(which: Which): Live<Pod>[] {
    const place = placeOf(labelsOf(which));
    return this.#pods.all().filter((pod) => placeOf(pod.metadata.labels) === place && this.#isFree(pod));
  }

  #isFree({ metadata }: Live<Pod>): boolean {
    return !this.#taken.has(metadata.uid) && metadata.deletionTimestamp === undefined;
  }

  #take(pod: Live<Pod>): PlayedPod {
    this.#taken.add(pod.metadata.uid);
    const isServer = labels.server in (pod.metadata.labels ?? {});
    const port = isServer ? runtimePort : progressPort;
    const listen = async (answer: Answers): Promise<Listener> => {
      const listener = await listenOnLoopback(port, answer);
      this.#listeners.add(listener);
      return listener;
    };
    return new PlayedPod(this.#client, pod, isServer, listen);
  }
}

function labelsOf(which: Which): Record<string, string> {
  return 'server' in which
    ? { [labels.server]: which.server }
    : { [labels.model]: which.model, [labels.task]: which.task };
}

/** Of all pods that play the same. */
function placeOf(podLabels: Record<string, string> = {}): string {
  const { [labels.server]: server, [labels.model]: model, [labels.task]: task } = podLabels;
  return server === undefined ? `${task} of ${model}` : `server ${server}`;
}

/** Runs and ends well with a report. */
export function reports(report: PullerReport): Part {
  return async (pod) => {
    await pod.starts();
    await pod.succeeds(report);
  };
}

/** Ends with a reason; exit code 2 has the Job give up at once, as the puller has it for what no retry mends. */
export function fails(reason: PullerReason, message: string, exitCode = 2): Part {
  return async (pod) => {
    await pod.starts();
    await pod.fails({ failure: { reason, message } }, exitCode);
  };
}

/** Loads, and is ready. */
export const serves: Part = async (pod) => {
  await pod.starts();
  await pod.becomesReady();
};

/** What `GET /progress` answers while so many bytes are on the volume. */
export function downloading(
  downloadedBytes: number,
  totalBytes: number,
  more: Partial<PullerProgress> = {},
): PullerProgress {
  return { phase: 'downloading', downloadedBytes, totalBytes, ...more };
}
