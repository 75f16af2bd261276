import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { basename, dirname } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { connect } from '../../src/kube/client.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { waitFor } from '../cluster/commands.ts';
import { issueAuthority, issueServing, type Certificate } from '../cluster/native/certificates.ts';
import { findProcesses, startComponent } from '../cluster/native/processes.ts';
import { stateOf, type State } from '../cluster/native/state.ts';

const namespaces: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/**
 * A second API server on the etcd of the tests' control plane, that a test can kill without taking it from the others.
 * Only where that control plane runs as processes of this machine.
 */
export class OwnApiServer implements AsyncDisposable {
  readonly config: KubeConfig;
  readonly #state: State;
  readonly #name: string;
  #command: readonly string[];
  #authority: Certificate;
  #issued = 0;

  /** Undefined when the control plane is elsewhere. */
  static async of(kubeconfig: string): Promise<OwnApiServer | undefined> {
    const state = stateOf(basename(dirname(kubeconfig)));
    const first = (await findProcesses(state)).find(({ component }) => component === 'kube-apiserver');
    if (first === undefined) return undefined;
    const port = await freePort();
    const command = first.command.map((flag) =>
      flag.startsWith('--secure-port=') ? `--secure-port=${port}` : flag,
    );
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    config.clusters = config.clusters.map((cluster) => ({ ...cluster, server: `https://127.0.0.1:${port}` }));
    return new OwnApiServer(config, { state, port, command });
  }

  private constructor(
    config: KubeConfig,
    { state, port, command }: { state: State; port: number; command: string[] },
  ) {
    this.config = config;
    this.#state = state;
    this.#name = `own-apiserver-${port}`;
    this.#command = command;
    this.#authority = { crt: state.at('certificates', 'ca.crt'), key: state.at('certificates', 'ca.key') };
  }

  /** Path of the certificate of the authority by which it is known to be the one that it says it is. */
  get authority(): string {
    return this.#authority.crt;
  }

  /** From its next start on it shows another certificate, of the same authority or of a new one. */
  async renewCertificate({ authority }: { authority: 'same' | 'new' }): Promise<void> {
    const name = `${this.#name}-${(this.#issued += 1)}`;
    if (authority === 'new') this.#authority = await issueAuthority(this.#state, `${name}-ca`);
    const serving = { ca: this.#authority, address: '127.0.0.1' };
    const { crt, key } = await issueServing(this.#state, name, serving);
    const files = { '--tls-cert-file': crt, '--tls-private-key-file': key };
    this.#command = this.#command.map((flag) => {
      const file = Object.entries(files).find(([option]) => flag.startsWith(`${option}=`));
      return file === undefined ? flag : file.join('=');
    });
    const caData = await readFile(this.#authority.crt, 'base64');
    this.config.clusters = this.config.clusters.map((cluster) => ({ ...cluster, caData }));
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    await startComponent(this.#state, { name: this.#name, command: this.#command });
    const client = connect(this.config, { fieldManager: 'own-api-server' });
    await waitFor('the second API server to answer', () =>
      client.list(namespaces, { limit: 1 }).then(
        () => true as const,
        () => undefined,
      ),
    );
    await client.close();
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    const ours = async () =>
      (await findProcesses(this.#state)).filter(({ component }) => component === this.#name);
    for (const { pid } of await ours()) process.kill(pid, 'SIGKILL');
    await waitFor('the second API server to end', async () =>
      (await ours()).length === 0 ? true : undefined,
    );
  }

  /** Has etcd forget all versions but the newest: what a continue token or a watch goes on from is gone. */
  async compact(): Promise<void> {
    const [, etcd = ''] = /^--etcd-servers=(.*)$/m.exec(this.#command.join('\n')) ?? [];
    const call = async (path: string, body: object): Promise<unknown> => {
      const answer = await fetch(`${etcd}${path}`, { method: 'POST', body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    };
    const { header } = (await call('/v3/kv/range', { key: btoa('none') })) as {
      header: { revision: string };
    };
    await call('/v3/kv/compaction', { revision: header.revision, physical: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/**
 * Below the ports that systems give to connections: while the server is down, those that come back to it again and again
 * would else connect to themselves sooner or later, and keep the port from it.
 */
const ports = { first: 20_000, count: 10_000 };

async function freePort(): Promise<number> {
  for (;;) {
    const port = ports.first + Math.floor(Math.random() * ports.count);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
