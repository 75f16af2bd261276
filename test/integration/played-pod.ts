import type { RequestListener } from 'node:http';
import { events, pods, type Pod } from '../../src/kube/builtin.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { formatTime } from '../../src/kube/conditions.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import type { Kind, KubeObject, Live } from '../../src/kube/kind.ts';
import type { PullerProgress, PullerReport } from '../../src/protocols/puller.ts';
import type { LoadState, RuntimeFailure } from '../../src/protocols/runtime.ts';
import { eventually } from './eventually.ts';
import type { Answers, Listener } from './pod-address.ts';

type Status = NonNullable<Pod['status']>;
type ContainerState = NonNullable<NonNullable<Status['containerStatuses']>[number]['state']>;

const bindings: Kind<KubeObject & { target: object }> = {
  apiVersion: 'v1',
  kind: 'Binding',
  plural: 'bindings',
  namespaced: true,
};

const fileTemplate = { description: 'Chats are rendered with the chat template of the file.' };

/** A pod in the hands of a test: each call writes the status that a kubelet would write. */
export class PlayedPod {
  readonly pod: Live<Pod>;
  readonly #client: KubeClient;
  /** Pods of a server are ready only when they say so. */
  readonly #isServer: boolean;
  readonly #listen: (answer: Answers) => Promise<Listener>;
  #listener: Listener | undefined;
  #answer: PullerProgress | LoadState | undefined;
  #serve: RequestListener | undefined;
  #asked = 0;

  constructor(
    client: KubeClient,
    pod: Live<Pod>,
    isServer: boolean,
    listen: (answer: Answers) => Promise<Listener>,
  ) {
    this.pod = pod;
    this.#client = client;
    this.#isServer = isServer;
    this.#listen = listen;
  }

  get name(): string {
    return this.pod.metadata.name;
  }

  get spec(): NonNullable<Pod['spec']> {
    if (!this.pod.spec) throw new Error('a pod from the API server has a spec');
    return this.pod.spec;
  }

  /** Runs, at an address of its own, and answers nothing yet. */
  async starts(): Promise<void> {
    await this.#opens();
    await this.#write({
      phase: 'Running',
      ...this.#ready(!this.#isServer),
      ...this.#container({ running: {} }, { ready: !this.#isServer }),
    });
  }

  /** Its web server, once. */
  async #opens(): Promise<void> {
    this.#listener ??= await this.#listen((request, response) => {
      if (this.#serve && request.url !== '/load') {
        this.#serve(request, response);
        return 'answered';
      }
      this.#asked += 1;
      return this.#answer;
    });
  }

  /** What its web server answers from now on; undefined: an error. */
  says(answer: PullerProgress | LoadState | undefined): void {
    this.#answer = answer;
  }

  /** How its web server answers from now on what clients ask, which is all but how far it is. */
  serves(answer: RequestListener): void {
    this.#serve = answer;
  }

  /**
   * Resolves when its web server was asked so many more times. The second time shows that the operator is done with
   * what was answered the first time.
   */
  async asked(times: number): Promise<void> {
    const enough = this.#asked + times;
    await eventually(() => {
      if (this.#asked < enough)
        throw new Error(`pod ${this.name} was asked ${this.#asked} times, not ${enough}`);
    });
  }

  async becomesReady(chat: LoadState['chat'] = fileTemplate): Promise<void> {
    await this.#opens();
    this.says({ phase: 'ready', percent: 100, chat });
    await this.#write({ phase: 'Running', ...this.#ready(true), ...this.#container({ running: {} }) });
  }

  async succeeds(report: PullerReport): Promise<void> {
    await this.#ends('Succeeded', { exitCode: 0, reason: 'Completed', message: JSON.stringify(report) });
  }

  async fails(report: PullerReport, exitCode: number): Promise<void> {
    await this.#ends('Failed', { exitCode, reason: 'Error', message: JSON.stringify(report) });
  }

  /** Is killed and leaves no word, or the tail of its log. */
  async dies(exitCode = 137, message?: string): Promise<void> {
    await this.#ends('Failed', { exitCode, reason: exitCode === 137 ? 'OOMKilled' : 'Error', message });
  }

  /** The container ended and is started again and again: only a pod that may restart comes here. */
  async crashes(
    end: RuntimeFailure | { reason: 'OOMKilled' } | { exitCode: number },
    restartCount = 0,
  ): Promise<void> {
    this.says(undefined);
    const terminated =
      'failure' in end
        ? { exitCode: 1, reason: 'Error', message: JSON.stringify(end) }
        : { exitCode: 137, reason: 'Error', ...end };
    const waiting = { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' };
    await this.#write({
      phase: 'Running',
      ...this.#ready(false),
      ...this.#container(
        { waiting },
        { lastState: { terminated: { ...terminated, finishedAt: formatTime(new Date()) } }, restartCount },
      ),
    });
  }

  /** Its node does not answer: the controller of nodes takes its readiness back, and nothing else. */
  async isLost(): Promise<void> {
    await this.#write({ phase: 'Running', ...this.#ready(false), ...this.#container({ running: {} }) });
  }

  /** As the API of evictions has it: the puller says that it was stopped. */
  async isEvicted(reason: string, message: string): Promise<void> {
    const target = { type: 'DisruptionTarget', status: 'True', reason, message };
    const failure = { reason: 'PullerFailed' as const, message: 'stopped by SIGTERM' };
    await this.#ends(
      'Failed',
      { exitCode: 143, reason: 'Error', message: JSON.stringify({ failure }) },
      { conditions: [{ ...target, lastTransitionTime: formatTime(new Date()) }] },
    );
  }

  async cannotBeScheduled(message: string): Promise<void> {
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
    await this.#write({ phase: 'Pending', conditions: [condition] });
  }

  async cannotPullImage(message: string): Promise<void> {
    await this.cannotStart('ImagePullBackOff', message);
  }

  /** What the kubelet says of a container that it does not get to run. */
  async cannotStart(reason: string, message: string): Promise<void> {
    await this.#write({ phase: 'Pending', ...this.#container({ waiting: { reason, message } }) });
  }

  /** As the scheduler does: the pod is of this node from now on, and cannot be deleted in good order. */
  async isBoundTo(node: string): Promise<void> {
    const { name, namespace } = this.pod.metadata;
    const target = { apiVersion: 'v1', kind: 'Node', name: node };
    await this.#client.create(bindings, { metadata: { name, namespace }, target });
  }

  /** An event of the pod, as the kubelet and the controller of attachments tell of its volumes. */
  async isWarnedOf(reason: string, note: string): Promise<void> {
    const { name, namespace, uid } = this.pod.metadata;
    await this.#client.create(events, {
      metadata: { namespace, generateName: `${name}-` },
      regarding: { apiVersion: 'v1', kind: 'Pod', name, namespace, uid },
      type: 'Warning',
      action: 'Mounting',
      reason,
      note,
      eventTime: formatMicroTime(new Date()),
      reportingController: 'kubelet',
      reportingInstance: 'kubelet-of-the-test',
    });
  }

  async #ends(
    phase: 'Succeeded' | 'Failed',
    terminated: NonNullable<ContainerState['terminated']>,
    more: Status = {},
  ): Promise<void> {
    this.#listener?.close();
    const finishedAt = formatTime(new Date());
    await this.#write({
      phase,
      ...this.#ready(false),
      ...this.#container({ terminated: { ...terminated, startedAt: finishedAt, finishedAt } }),
      ...more,
    });
  }

  #ready(isReady: boolean): Pick<Status, 'conditions'> {
    const lastTransitionTime = formatTime(new Date());
    return { conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime }] };
  }

  #container(
    state: ContainerState,
    more: { lastState?: ContainerState; restartCount?: number; ready?: boolean } = {},
  ): Pick<Status, 'containerStatuses'> {
    const [container] = this.spec.containers;
    if (!container) throw new Error('a pod has a container');
    const { name, image = '' } = container;
    const ready = state.running !== undefined;
    return {
      containerStatuses: [
        { name, image, imageID: '', ready, restartCount: 0, state, lastState: {}, ...more },
      ],
    };
  }

  async #write(status: Status): Promise<void> {
    const { name, namespace } = this.pod.metadata;
    const address = this.#listener?.address;
    const ip = address === undefined ? {} : { podIP: address, podIPs: [{ ip: address }] };
    try {
      await this.#client.applyStatus(
        pods,
        { metadata: { name, namespace }, status: { ...status, ...ip } },
        { fieldManager: 'kubelet' },
      );
    } catch (error) {
      // A kubelet drops what it had to say of a pod that is gone.
      if (!isNotFound(error)) throw error;
    }
  }
}

/** metav1.MicroTime */
function formatMicroTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}
