import { labels } from '../../src/controllers/labels.ts';
import type { Pod } from '../../src/kube/builtin.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Live } from '../../src/kube/kind.ts';
import type { PullerProgress, PullerReason, PullerReport } from '../../src/protocols/puller.ts';
import { progressPort } from '../../src/protocols/puller.ts';
import { runtimePort } from '../../src/protocols/runtime.ts';
import { listenOnLoopback } from './pod-address.ts';
import type { Listener } from './pod-address.ts';
import { PlayedPod } from './played-pod.ts';
import type { Recording } from './recording.ts';
import type { Weights } from './weights.ts';

/** Pods of a Model's Job, or of a ModelServer. */
export type Which = { model: string; task: 'inspect' | 'pull' } | { server: string };

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
  readonly #listeners = new Set<Listener>();
  /** What went wrong in a part that nobody waits for. */
  readonly troubles: unknown[] = [];

  constructor(client: KubeClient, recording: Recording<Pod>, signal: AbortSignal) {
    this.#client = client;
    this.#pods = recording;
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      for (const listener of this.#listeners) listener.close();
    });
  }

  /** The next pod that nobody has taken yet. */
  async next(which: Which, timeout?: number): Promise<PlayedPod> {
    const take = (): Live<Pod> | undefined => {
      const pod = this.#free(which);
      if (pod) this.#taken.add(pod.metadata.uid);
      return pod;
    };
    const pod = await this.#pods.until(`a pod of ${JSON.stringify(which)}`, take, timeout);
    const port = 'server' in which ? runtimePort : progressPort;
    const listen = async (answer: () => object | undefined): Promise<Listener> => {
      const listener = await listenOnLoopback(port, answer);
      this.#listeners.add(listener);
      return listener;
    };
    return new PlayedPod(this.#client, pod, 'server' in which, listen);
  }

  /** The next pods of `which` play these parts, in this order. */
  plays(which: Which, ...parts: readonly Part[]): void {
    void this.#play(which, parts);
  }

  /** Every pod of `which` to come plays this part. */
  always(which: Which, part: Part): void {
    const endlessly = function* (): Generator<Part> {
      for (;;) yield part;
    };
    void this.#play(which, endlessly());
  }

  /** The Model of this name is inspected and pulled and nothing goes wrong. */
  provides(model: string, weights: Weights): void {
    this.plays({ model, task: 'inspect' }, reports({ inspection: weights.inspection }));
    this.plays({ model, task: 'pull' }, reports({ publication: weights.publication }));
  }

  async #play(which: Which, parts: Iterable<Part>): Promise<void> {
    const note = (error: unknown): void => {
      if (!this.#signal.aborted) this.troubles.push(error);
    };
    for (const part of parts) {
      if (this.#signal.aborted) return;
      await this.next(which, 600_000).then((pod) => void part(pod).catch(note), note);
    }
  }

  #free(which: Which): Live<Pod> | undefined {
    const wanted =
      'server' in which
        ? { [labels.server]: which.server }
        : { [labels.model]: which.model, [labels.task]: which.task };
    return this.#pods.all().find(({ metadata }) => {
      const isWanted = Object.entries(wanted).every(([key, value]) => metadata.labels?.[key] === value);
      return isWanted && !this.#taken.has(metadata.uid) && metadata.deletionTimestamp === undefined;
    });
  }
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
