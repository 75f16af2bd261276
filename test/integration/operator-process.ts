import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ElectionTiming } from '../../src/kube/election-options.ts';
import { patienceMs } from './eventually.ts';

const program = join(import.meta.dirname, '../../src/operator/main.ts');

export const pullerImage = 'registry.test/longshore-puller:1';
/** Those of a release. */
export const runtimeImagesOf = (release: string) => ({
  cpu: `registry.test/longshore-runtime:${release}`,
  cuda: `registry.test/longshore-runtime:${release}-cuda`,
  vulkan: `registry.test/longshore-runtime:${release}-vulkan`,
});
export const runtimeImages = runtimeImagesOf('1');

export interface OperatorOptions {
  kubeconfig: string;
  /** The folder of the control plane. */
  cluster: string;
  /** Of its Lease, and the one that it looks after. */
  namespace: string;
  /** It looks after all of them instead. */
  allNamespaces?: boolean | undefined;
  /** Pulls at the same time, in all namespaces that it looks after and in each. */
  pulls?: { cluster?: number; namespace?: number } | undefined;
  /** Of the runtime; default: that of runtimeImages. */
  release?: string | undefined;
  /** Default: a lease that no machine is too slow for. */
  timing?: ElectionTiming | undefined;
  /** Where its output is kept, after that of operators before it. */
  lines: string[];
}

const leisurely: ElectionTiming = { leaseSeconds: 60, renewSeconds: 40, retrySeconds: 2 };

/** The operator as its image runs it: a process that can be killed, with a log. */
export class OperatorProcess {
  readonly #process: ChildProcess;
  /** The exit code, or the signal that ended the process. */
  readonly exit: Promise<number | string>;
  #said = '';

  constructor({
    kubeconfig,
    cluster,
    namespace,
    allNamespaces = false,
    pulls = {},
    timing = leisurely,
    release = '1',
    lines,
  }: OperatorOptions) {
    const images = runtimeImagesOf(release);
    this.#process = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        // A third less of a start, of which there are dozens.
        NODE_COMPILE_CACHE: join(tmpdir(), 'longshore-compile-cache'),
        KUBECONFIG: kubeconfig,
        LONGSHORE_PULLER_IMAGE: pullerImage,
        LONGSHORE_RUNTIME_IMAGE_CPU: images.cpu,
        LONGSHORE_RUNTIME_IMAGE_CUDA: images.cuda,
        LONGSHORE_RUNTIME_IMAGE_VULKAN: images.vulkan,
        ...(!allNamespaces && { LONGSHORE_NAMESPACE: namespace }),
        ...(pulls.cluster !== undefined && { LONGSHORE_PULLS: String(pulls.cluster) }),
        ...(pulls.namespace !== undefined && { LONGSHORE_PULLS_PER_NAMESPACE: String(pulls.namespace) }),
        LONGSHORE_SERVER_NETWORK: '{}',
        LONGSHORE_LEASE_NAMESPACE: namespace,
        LONGSHORE_LEASE_SECONDS: String(timing.leaseSeconds),
        LONGSHORE_RENEW_SECONDS: String(timing.renewSeconds),
        LONGSHORE_RETRY_SECONDS: String(timing.retrySeconds),
        LONGSHORE_PORT: '0',
        LONGSHORE_LOG_LEVEL: 'debug',
        // Stopping the control plane ends every process that carries its folder: no operator outlives a killed run.
        LONGSHORE_TEST_STATE: cluster,
      },
    });
    const said = (chunk: Buffer): void => {
      this.#said += chunk.toString();
      lines.push(...chunk.toString().trimEnd().split('\n'));
    };
    this.#process.stdout?.on('data', said);
    this.#process.stderr?.on('data', said);
    this.exit = new Promise((resolve) => {
      // Not `exit`: its last lines may come after that.
      this.#process.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** As a node that loses power. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exit;
  }

  /** As a node that stands still, until the returned function wakes it. */
  pause(): () => void {
    this.#process.kill('SIGSTOP');
    return () => void this.#process.kill('SIGCONT');
  }

  /** As the kubelet ends a pod; answers with the exit code, or the signal that ended the process. */
  async stop(): Promise<number | string> {
    this.#process.kill('SIGTERM');
    return this.exit;
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** What it has said so far. */
  get lines(): { level: number; msg: string }[] {
    const whole = this.#said.slice(0, this.#said.lastIndexOf('\n'));
    return whole.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as never] : []));
  }

  /** Resolves when it says that its caches are filled; rejects when it ends instead. */
  ready(): Promise<void> {
    return this.says('operator ready');
  }

  /** Resolves when it says so; rejects when it ends instead. */
  async says(message: string): Promise<void> {
    const said = new Promise<'said'>((resolve) => {
      const look = (): void => {
        if (this.#said.includes(`"${message}`)) resolve('said');
      };
      this.#process.stdout?.on('data', look);
      look();
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'no end'>((resolve) => {
      timer = setTimeout(resolve, patienceMs, 'no end');
    });
    const outcome = await Promise.race([said, this.exit, late]);
    clearTimeout(timer);
    if (outcome === 'said') return;
    throw new Error(
      `the operator does not say "${message}" (${outcome}); its log ends:\n${this.#said.slice(-5000)}`,
    );
  }
}
