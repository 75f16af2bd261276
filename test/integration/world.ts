import { dirname } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { Model } from '../../src/api/model.ts';
import type { ModelServer } from '../../src/api/modelserver.ts';
import { models, modelServers } from '../../src/controllers/kinds.ts';
import { requestedAtAnnotation, rollAtAnnotation } from '../../src/controllers/labels.ts';
import {
  deployments,
  jobs,
  leases,
  persistentVolumeClaims,
  pods,
  services,
  type Deployment,
  type Job,
  type PersistentVolumeClaim,
  type Pod,
  type Service,
} from '../../src/kube/builtin.ts';
import type { Task } from '../../src/controllers/model/jobs/jobs.ts';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { formatTime } from '../../src/kube/conditions.ts';
import type { ElectionTiming } from '../../src/kube/election-options.ts';
import type { Kind, KubeObject, Live } from '../../src/kube/kind.ts';
import { releaseModels } from '../../src/operator/release.ts';
import { eventually } from './eventually.ts';
import { FakeKubelet } from './fake-kubelet.ts';
import {
  aModel,
  aServer,
  isReady,
  modelsAsWritten,
  serversAsWritten,
  type ModelAsWritten,
  type ModelChoices,
  type ServerChoices,
} from './objects.ts';
import { OperatorProcess } from './operator-process.ts';
import { Recording } from './recording.ts';
import { weights, type Weights } from './weights.ts';

export const namespaces: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
const serviceAccounts: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};

/** Written in parts, by who is not the operator. */
const modelsWithStatus: Kind<KubeObject & { status: object }> = { ...models, schema: undefined };

const limitRanges: Kind<KubeObject & { spec: object }> = {
  apiVersion: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  namespaced: true,
};

export interface WorldOptions {
  kubeconfig: string;
  /** How the operator reaches the API server, when not as the test does. */
  operatorKubeconfig?: string;
  /** Its operators look after every namespace, and so over the StorageClasses: only in a cluster of one's own. */
  allNamespaces?: boolean;
  /** Of its operators. */
  timing?: ElectionTiming;
  /** Pulls that they let run at the same time. */
  pulls?: { cluster?: number; namespace?: number };
}

/** A namespace with an operator of its own, a kubelet in the hands of the test, and a record of all that happens. */
export class World implements AsyncDisposable {
  readonly namespace: string;
  readonly client: KubeClient;
  readonly kubelet: FakeKubelet;
  readonly models: Recording<Model>;
  readonly servers: Recording<ModelServer>;
  readonly jobs: Recording<Job>;
  readonly pods: Recording<Pod>;
  readonly claims: Recording<PersistentVolumeClaim>;
  readonly deployments: Recording<Deployment>;
  readonly services: Recording<Service>;
  /** What operators wrote, those before a restart included. */
  readonly log: string[] = [];
  readonly #options: WorldOptions;
  readonly #end: AbortController;
  readonly #operators: OperatorProcess[] = [];
  #touches = 0;

  static async start(options: WorldOptions): Promise<World> {
    const config = new KubeConfig();
    config.loadFromFile(options.kubeconfig);
    const client = connect(config, { fieldManager: 'kubectl' });
    // The API server itself refuses a pod of ours that is not hardened.
    const restricted = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const metadata = { generateName: 'test-', labels: restricted };
    const { name: namespace } = (await client.create(namespaces, { metadata })).metadata;
    const end = new AbortController();
    const scope = { namespace, signal: end.signal };
    const record = <T extends KubeObject>(kind: Kind<T>) => Recording.start(client, kind, scope);
    const recordings = await Promise.all([
      record(models),
      record(modelServers),
      record(jobs),
      record(pods),
      record(persistentVolumeClaims),
      record(deployments),
      record(services),
    ]);
    for (const recording of recordings) recording.keepUp(recordings);
    const world = new World(options, { namespace, client, end }, recordings);
    try {
      // No pod can be made before the controllers have made the account that it runs as.
      await Promise.all([
        eventually(() => client.get(serviceAccounts, { namespace, name: 'default' })),
        world.startOperator(),
      ]);
    } catch (error) {
      await world[Symbol.asyncDispose]();
      throw error;
    }
    return world;
  }

  private constructor(
    options: WorldOptions,
    { namespace, client, end }: { namespace: string; client: KubeClient; end: AbortController },
    recordings: [
      Recording<Model>,
      Recording<ModelServer>,
      Recording<Job>,
      Recording<Pod>,
      Recording<PersistentVolumeClaim>,
      Recording<Deployment>,
      Recording<Service>,
    ],
  ) {
    this.#options = options;
    this.#end = end;
    this.namespace = namespace;
    this.client = client;
    [this.models, this.servers, this.jobs, this.pods, this.claims, this.deployments, this.services] =
      recordings;
    this.kubelet = new FakeKubelet(client, this.pods, end.signal);
  }

  /** The one that was started last. */
  get operator(): OperatorProcess {
    const last = this.#operators.at(-1);
    if (!last) throw new Error('the operator was not started');
    return last;
  }

  /** Resolves when it is ready. It need not wait until the lease of one that was killed has run out. */
  async startOperator(kubeconfig?: string, release?: string): Promise<OperatorProcess> {
    if (!this.#operators.some(({ running }) => running)) {
      await this.client.delete(leases, this.ref('longshore-operator'));
    }
    const operator = this.spawnOperator(kubeconfig, release);
    await operator.ready();
    return operator;
  }

  /** Does not wait for it to be ready: there may be no API server to reach. */
  spawnOperator(
    kubeconfig = this.#options.operatorKubeconfig ?? this.#options.kubeconfig,
    release?: string,
  ): OperatorProcess {
    const operator = new OperatorProcess({
      kubeconfig,
      cluster: dirname(this.#options.kubeconfig),
      namespace: this.namespace,
      allNamespaces: this.#options.allNamespaces,
      timing: this.#options.timing,
      pulls: this.#options.pulls,
      release,
      lines: this.log,
    });
    this.#operators.push(operator);
    return operator;
  }

  /** `kubectl apply` of a Model. */
  async applyModel(name: string, choices: ModelChoices = {}): Promise<void> {
    await this.client.apply(...aModel(this.namespace, name, choices));
  }

  /** `kubectl apply` of a ModelServer. */
  async applyServer(name: string, choices: ServerChoices): Promise<void> {
    await this.client.apply(...aServer(this.namespace, name, choices));
  }

  /** A Model that was inspected and pulled without trouble, once it is Ready. */
  async readyModel(
    name: string,
    content: Weights = weights(),
    choices: ModelChoices = {},
  ): Promise<Live<Model>> {
    this.kubelet.provides(name, content);
    await this.applyModel(name, choices);
    return this.models.untilOne(name, isReady);
  }

  /** Has the operator look at the Model at once, and changes nothing that it decides by. */
  async touch(model: string): Promise<void> {
    const annotations = { 'test/touched': String((this.#touches += 1)) };
    await this.client.patch(modelsAsWritten, this.ref(model), { metadata: { annotations } });
  }

  /** As `kubectl annotate --overwrite` has a server turn to the runtime of the operator, and try again what was rolled back. */
  async rollAt(server: string, value: string): Promise<void> {
    const annotations = { [rollAtAnnotation]: value };
    await this.client.patch(serversAsWritten, this.ref(server), { metadata: { annotations } });
  }

  /** As `kubectl annotate --overwrite` asks for the source to be asked at once. */
  async request(model: string, value: string): Promise<void> {
    const annotations = { [requestedAtAnnotation]: value };
    await this.client.patch(modelsAsWritten, this.ref(model), { metadata: { annotations } });
  }

  /** Has the source of the Model been asked long ago, and the record know it. */
  async letTimePass(model: string): Promise<void> {
    // Another time each time, as it is with answers: a question is named by the one before.
    const long = Date.UTC(2020) + (this.#touches += 1) * 1000;
    const status = { resolved: { checkedAt: formatTime(new Date(long)) } };
    const written = { metadata: this.ref(model), status };
    const { resourceVersion } = (await this.client.applyStatus(modelsWithStatus, written)).metadata;
    await this.models.until('the write', () =>
      this.models.versions(model).some(({ metadata }) => metadata.resourceVersion === resourceVersion),
    );
  }

  /** No claim of the namespace may ask for more. */
  async limitClaims(storage: string): Promise<void> {
    const spec = { limits: [{ type: 'PersistentVolumeClaim', max: { storage } }] };
    await this.client.create(limitRanges, { metadata: this.ref('claims'), spec });
  }

  /** With every right. */
  get kubeconfig(): string {
    return this.#options.kubeconfig;
  }

  ref(name: string): { namespace: string; name: string } {
    return { namespace: this.namespace, name };
  }

  /** What a client needs to read or delete a Model. */
  modelRef(name: string): [Kind<ModelAsWritten>, { namespace: string; name: string }] {
    return [modelsAsWritten, this.ref(name)];
  }

  jobsOf(model: string, task?: Task): string[] {
    const prefix = task === undefined ? `${model}-` : `${model}-${task}-`;
    return this.jobs.made().filter((name) => name.startsWith(prefix));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#operators.map((operator) => operator.kill()));
    this.#end.abort();
    await this.client.delete(namespaces, { name: this.namespace });
    await releaseModels(this.client, this.namespace);
    await this.client.close();
  }
}
