import { KubeConfig } from '@kubernetes/client-node';
import { inject } from 'vitest';
import { stringify } from 'yaml';
import type { Model } from '../../src/api/model.ts';
import type { ModelServer } from '../../src/api/modelserver.ts';
import { models, modelServers } from '../../src/controllers/kinds.ts';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { findCondition } from '../../src/kube/conditions.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import type { Kind, KubeObject, Live } from '../../src/kube/kind.ts';
import { run, waitFor } from '../cluster/commands.ts';
import { gemma } from '../hub/model.ts';
import { standardRepos, strangerToken, testToken } from '../hub/content.ts';
import { startHub, type Hub } from '../hub/hub.ts';
import { portForward, type PortForward } from '../stack/port-forward.ts';

export const namespaces: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** Longest wait for anything that a test waits for, in ms: a busy machine of two cores may need a while. */
const patienceMs = 120_000;

/** A namespace that admits restricted pods only, and a hub that its pods reach. */
export class World implements AsyncDisposable {
  readonly namespace: string;
  readonly hub: Hub;
  readonly client: KubeClient;
  readonly #forwards: PortForward[] = [];

  static async start(): Promise<World> {
    const { kubeconfig, hostAddress } = inject('e2e');
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const client = connect(config, { fieldManager: 'e2e' });
    const hub = await startHub({
      host: hostAddress,
      repos: standardRepos({ gemma: (await gemma()).path }),
      tokens: [testToken, strangerToken],
    });
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const { metadata } = await client.create(namespaces, { metadata: { generateName: 'e2e-', labels } });
    return new World(metadata.name, hub, client);
  }

  private constructor(namespace: string, hub: Hub, client: KubeClient) {
    this.namespace = namespace;
    this.hub = hub;
    this.client = client;
  }

  kubectl(arguments_: readonly string[], input?: string): Promise<string> {
    const { kubeconfig, kubectl } = inject('e2e');
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    return run(kubectl, ['-n', this.namespace, ...arguments_], {
      env,
      ...(input !== undefined && { input }),
    });
  }

  /** `kubectl apply`, as people do it: with strict validation. */
  apply(object: Record<string, unknown>): Promise<string> {
    return this.kubectl(['apply', '-f', '-'], stringify(object));
  }

  /** A source of a Hugging Face hub is of this world's own, unless it says otherwise. */
  applyModel(
    name: string,
    { huggingFace, ...others }: Record<string, Record<string, unknown> | undefined>,
    spec: Record<string, unknown> = {},
  ): Promise<string> {
    const source = huggingFace ? { huggingFace: { endpoint: this.hub.url, ...huggingFace } } : others;
    return this.apply({ ...header('Model', name), spec: { source, ...spec } });
  }

  applyServer(name: string, spec: Record<string, unknown>): Promise<string> {
    return this.apply({ ...header('ModelServer', name), spec });
  }

  applySecret(name: string, stringData: Record<string, string>): Promise<string> {
    return this.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData });
  }

  /** The Model once it is as wanted. That it is Ready says `kubectl wait`, as it does to people. */
  async model(name: string, wanted: (model: Live<Model>) => boolean): Promise<Live<Model>> {
    if (wanted === isReady) await this.#kubectlWait(`model/${name}`);
    return this.#until(models, name, wanted);
  }

  async server(name: string, wanted: (server: Live<ModelServer>) => boolean): Promise<Live<ModelServer>> {
    if (wanted === isReady) await this.#kubectlWait(`modelserver/${name}`);
    return this.#until(modelServers, name, wanted);
  }

  async #kubectlWait(object: string): Promise<void> {
    const timeout = `--timeout=${patienceMs / 1000}s`;
    try {
      await this.kubectl(['wait', object, '--for=condition=Ready', timeout]);
    } catch (error) {
      const last = await this.kubectl(['get', object, '-o', 'yaml']);
      throw new Error(`${String(error)}\nit was last: ${last}`, { cause: error });
    }
  }

  /** Resolves when the object is gone. */
  async gone<T extends KubeObject>(kind: Kind<T>, name: string): Promise<void> {
    await waitFor(
      `${kind.kind} ${name} to be gone`,
      () =>
        this.client.get(kind, { namespace: this.namespace, name }).then(
          () => undefined,
          (error: unknown) => (isNotFound(error) ? true : undefined),
        ),
      { timeout: patienceMs, every: 200 },
    );
  }

  /** A URL of this machine that leads to the Service of a server. */
  async reach(server: string): Promise<string> {
    const { kubeconfig, kubectl } = inject('e2e');
    const target = { namespace: this.namespace, resource: `service/${server}`, port: 80 };
    const forward = await portForward(kubectl, kubeconfig, target);
    this.#forwards.push(forward);
    return forward.url;
  }

  async #until<T extends Model | ModelServer>(
    kind: Kind<T>,
    name: string,
    wanted: (object: Live<T>) => boolean,
  ): Promise<Live<T>> {
    let last: Live<T> | undefined;
    const check = async (): Promise<Live<T> | undefined> => {
      last = await this.client.get(kind, { namespace: this.namespace, name });
      return wanted(last) ? last : undefined;
    };
    try {
      return await waitFor(`${kind.kind} ${name}`, check, { timeout: patienceMs, every: 200 });
    } catch (error) {
      throw new Error(`${String(error)}\nit was last: ${JSON.stringify(last?.status, undefined, 2)}`, {
        cause: error,
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const forward of this.#forwards) forward.close();
    await this.client.delete(namespaces, { name: this.namespace });
    await this.client.close();
    await this.hub.close();
  }
}

function header(kind: string, name: string): Record<string, unknown> {
  return { apiVersion: 'longshore.dev/v1alpha1', kind, metadata: { name } };
}

export function readyReason(object: Model | ModelServer): string | undefined {
  const ready = findCondition(object.status?.conditions, 'Ready');
  return ready?.observedGeneration === object.metadata.generation ? ready.reason : undefined;
}

export function isReady(object: Model | ModelServer): boolean {
  const ready = findCondition(object.status?.conditions, 'Ready');
  return ready?.status === 'True' && ready.observedGeneration === object.metadata.generation;
}
