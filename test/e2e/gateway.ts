import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import { pods, type Pod } from '../../src/kube/builtin.ts';
import type { Live } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { portForward, type PortForward } from '../stack/port-forward.ts';
import { gateway as name, systemNamespace, upgrade } from '../stack/stack.ts';
import type { World } from './world.ts';

/** The Secret with its API keys. */
export const keysSecret = 'gateway-keys';

interface Sent {
  method?: string;
  body?: object;
  /** An API key. */
  key?: string;
  headers?: Record<string, string>;
}

export interface Line {
  status?: string;
  percent?: number;
  completed?: number;
  total?: number;
  error?: string;
}

/** The gateway of the release that all tests share: there from `install` on, and gone with the end of the test file. */
export class Gateway implements AsyncDisposable {
  readonly #world: World;
  #forward: PortForward | undefined;

  /** @param values of the chart, below `gateway` */
  static async install(world: World, values: readonly string[]): Promise<Gateway> {
    const gateway = new Gateway(world);
    await gateway.set('enabled=true', ...values);
    return gateway;
  }

  private constructor(world: World) {
    this.#world = world;
  }

  /** Changes values as the guide has it. What is on its way through this machine's connection is not waited for. */
  async set(...values: readonly string[]): Promise<void> {
    const { helm, kubeconfig } = inject('e2e');
    const below = values.map((value) => `gateway.${value}`);
    await upgrade(helm, kubeconfig, below);
  }

  /** Leads to one of the pods there are now. */
  async connect(): Promise<void> {
    const { kubectl, kubeconfig } = inject('e2e');
    this.#forward?.close();
    const target = { namespace: systemNamespace, resource: `service/${name}`, port: 80 };
    this.#forward = await portForward(kubectl, kubeconfig, target);
  }

  /** On this machine. */
  get url(): string {
    if (!this.#forward) throw new Error('connect to the gateway first');
    return this.#forward.url;
  }

  /** Inside the cluster. */
  readonly service = `http://${name}.${systemNamespace}.svc`;

  send(path: string, { method, body, key, headers }: Sent = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  /** Of an answer that may go on for long. */
  async status(path: string, sent: Sent = {}): Promise<number> {
    const { status, body } = await this.send(path, sent);
    await body?.cancel();
    return status;
  }

  async json(path: string, sent: Sent = {}): Promise<{ status: number; body: unknown }> {
    const answer = await this.send(path, sent);
    const said = await answer.text();
    return { status: answer.status, body: said === '' ? undefined : (JSON.parse(said) as unknown) };
  }

  /** All lines of a stream, when it has ended. */
  async lines(path: string, body: object): Promise<Line[]> {
    const answer = await this.send(path, { body });
    return (await answer.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  }

  async pods(): Promise<Live<Pod>[]> {
    const labelSelector = 'app.kubernetes.io/name=longshore-gateway';
    const { items } = await this.#world.client.list(pods, { namespace: systemNamespace, labelSelector });
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** All that a pod has written, when it is gone. */
  logOf(pod: string): Promise<string> {
    const { kubectl, kubeconfig } = inject('e2e');
    const arguments_ = ['logs', '-f', '-n', systemNamespace, pod];
    const child = spawn(kubectl, arguments_, {
      env: { ...process.env, KUBECONFIG: kubeconfig },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text(child.stdout);
  }

  /** Puts keys into the Secret of the gateway, by their names; each is a key and its scopes. */
  async applyKeys(keys: Record<string, [key: string, scopes: string]>): Promise<void> {
    const stringData = Object.fromEntries(
      Object.entries(keys).map(([owner, [key, scopes]]) => [
        owner,
        `${createHash('sha256').update(key).digest('hex')} ${scopes}`,
      ]),
    );
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: keysSecret }, stringData };
    await this.kubectl(['apply', '-f', '-'], JSON.stringify(secret));
  }

  /** In the namespace of the release. */
  kubectl(arguments_: readonly string[], input?: string): Promise<string> {
    const { kubeconfig, kubectl } = inject('e2e');
    const env = { ...process.env, KUBECONFIG: kubeconfig };
    return run(kubectl, ['-n', systemNamespace, ...arguments_], {
      env,
      ...(input !== undefined && { input }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#forward?.close();
    await this.set('enabled=false', 'management.enabled=false', 'auth.secretName=');
    await this.kubectl(['delete', 'secret', keysSecret, '--ignore-not-found']);
  }
}
