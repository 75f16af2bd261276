import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { leases, type Lease } from '../../src/kube/builtin.ts';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import type { ElectionTiming } from '../../src/kube/election-options.ts';
import type { Kind, KubeObject } from '../../src/kube/kind.ts';
import { eventually } from './eventually.ts';
import { Recording } from './recording.ts';

const program = join(import.meta.dirname, 'leader-election-program.ts');

export interface Ledger extends KubeObject {
  data?: { by?: string; count?: string };
}
export const ledgers: Kind<Ledger> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const namespaces: Kind<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** Short ones, but long enough for a busy machine to renew in time. */
export const timing: ElectionTiming = { leaseSeconds: 5, renewSeconds: 4, retrySeconds: 0.4 };

export interface CandidateEnvironment {
  KUBECONFIG: string;
  NAMESPACE: string;
  INSTANCE: string;
  TIMING: string;
}

/** A program that takes part in an election, in a process that can be killed and stopped. */
export class CandidateProcess {
  readonly lines: { level: number; msg: string; identity?: string }[] = [];
  /** The exit code, or the signal that ended the process. */
  readonly exit: Promise<number | string>;
  readonly #process: ChildProcess;

  constructor(environment: CandidateEnvironment & { LONGSHORE_TEST_STATE: string }) {
    this.#process = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: join(tmpdir(), 'longshore-compile-cache'),
        ...environment,
      },
    });
    let rest = '';
    this.#process.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.lines.push(JSON.parse(line) as (typeof this.lines)[number]);
    });
    this.exit = new Promise((resolve) => {
      // Not `exit`: its last lines may come after that.
      this.#process.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** SIGUSR2 has it stop itself, as SIGSTOP would, right before its next write. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGUSR2' | 'SIGCONT'): void {
    this.#process.kill(name);
  }

  says(message: string): Promise<void> {
    return eventually(() => {
      const said = this.lines.map(({ msg }) => msg);
      if (!said.some((each) => each.startsWith(message)))
        throw new Error(`${message}: not in ${said.join('; ')}`);
    });
  }

  /** Unique to the process. */
  get identity(): string {
    const [first] = this.lines;
    if (first?.identity === undefined) throw new Error('the candidate has said nothing');
    return first.identity;
  }
}

/** A namespace with an election, and a record of who wrote under it. */
export class ElectionWorld implements AsyncDisposable {
  readonly namespace: string;
  readonly client: KubeClient;
  readonly ledger: Recording<Ledger>;
  readonly lease: Recording<Lease>;
  readonly candidates: CandidateProcess[] = [];
  readonly #kubeconfig: string;
  readonly #end: AbortController;

  static async start(kubeconfig: string): Promise<ElectionWorld> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const client = connect(config, { fieldManager: 'kubectl' });
    const { name: namespace } = (await client.create(namespaces, { metadata: { generateName: 'election-' } }))
      .metadata;
    await client.create(ledgers, { metadata: { namespace, name: 'ledger' } });
    const end = new AbortController();
    const scope = { namespace, signal: end.signal };
    const [ledger, lease] = await Promise.all([
      Recording.start(client, ledgers, scope),
      Recording.start(client, leases, scope),
    ]);
    return new ElectionWorld({ kubeconfig, namespace, client, end }, ledger, lease);
  }

  private constructor(
    parts: { kubeconfig: string; namespace: string; client: KubeClient; end: AbortController },
    ledger: Recording<Ledger>,
    lease: Recording<Lease>,
  ) {
    this.namespace = parts.namespace;
    this.client = parts.client;
    this.#kubeconfig = parts.kubeconfig;
    this.#end = parts.end;
    this.ledger = ledger;
    this.lease = lease;
  }

  /** Resolves when it waits for the lease. */
  async candidate(instance: string, kubeconfig = this.#kubeconfig): Promise<CandidateProcess> {
    const candidate = new CandidateProcess({
      KUBECONFIG: kubeconfig,
      NAMESPACE: this.namespace,
      INSTANCE: instance,
      TIMING: JSON.stringify(timing),
      LONGSHORE_TEST_STATE: dirname(this.#kubeconfig),
    });
    this.candidates.push(candidate);
    await candidate.says('waiting for the lease');
    return candidate;
  }

  /** One that leads already, and has written. */
  async leader(instance: string, kubeconfig?: string): Promise<CandidateProcess> {
    const leader = await this.candidate(instance, kubeconfig);
    await this.writes(leader);
    return leader;
  }

  /** One that has seen who leads. */
  async follower(instance: string): Promise<CandidateProcess> {
    const follower = await this.candidate(instance);
    await follower.says('new leader: ');
    return follower;
  }

  /** Resolves when it has written after everything that was written so far. */
  async writes(candidate: CandidateProcess): Promise<void> {
    const before = this.writers().length;
    await this.ledger.until(`a write of ${candidate.identity}`, () =>
      this.writers().slice(before).includes(candidate.identity),
    );
  }

  /** The first of these that writes. */
  async next(candidates: CandidateProcess[]): Promise<CandidateProcess> {
    return this.ledger.until('a write of a new leader', () => {
      const last = this.writers().at(-1);
      return candidates.find(({ identity }) => identity === last);
    });
  }

  /** Of every version of the ledger. */
  writers(): string[] {
    return this.ledger.versions('ledger').flatMap(({ data }) => data?.by ?? []);
  }

  /** Without repetitions next to each other: who came back after another is there twice. */
  reigns(): string[] {
    return this.writers().filter((writer, i, all) => writer !== all[i - 1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const candidate of this.candidates) candidate.signal('SIGKILL');
    await Promise.all(this.candidates.map(({ exit }) => exit));
    this.#end.abort();
    await this.client.delete(namespaces, { name: this.namespace });
    await this.client.close();
  }
}
