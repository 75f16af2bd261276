import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patienceMs } from './eventually.ts';

const program = join(import.meta.dirname, '../../src/operator/main.ts');

export const pullerImage = 'registry.test/longshore-puller:1';
export const runtimeImage = 'registry.test/longshore-runtime:1';

export interface OperatorOptions {
  kubeconfig: string;
  /** The folder of the control plane. */
  cluster: string;
  namespace: string;
  /** Where its output is kept, after that of operators before it. */
  lines: string[];
}

/** The operator as its image runs it: a process that can be killed, with a log. */
export class OperatorProcess {
  readonly #process: ChildProcess;
  readonly #exit: Promise<number | string>;
  #said = '';

  constructor({ kubeconfig, cluster, namespace, lines }: OperatorOptions) {
    this.#process = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        // A third less of a start, of which there are dozens.
        NODE_COMPILE_CACHE: join(tmpdir(), 'longshore-compile-cache'),
        KUBECONFIG: kubeconfig,
        LONGSHORE_PULLER_IMAGE: pullerImage,
        LONGSHORE_RUNTIME_IMAGE: runtimeImage,
        LONGSHORE_NAMESPACE: namespace,
        LONGSHORE_PORT: '0',
        LONGSHORE_LOG_LEVEL: 'debug',
        // Stopping the control plane ends every process that carries its folder: no operator outlives a killed run.
        LONGSHORE_TEST_CLUSTER: cluster,
      },
    });
    const said = (chunk: Buffer): void => {
      this.#said += chunk.toString();
      lines.push(...chunk.toString().trimEnd().split('\n'));
    };
    this.#process.stdout?.on('data', said);
    this.#process.stderr?.on('data', said);
    this.#exit = new Promise((resolve) => {
      this.#process.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** As a node that loses power. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exit;
  }

  /** As the kubelet ends a pod; answers with the exit code, or the signal that ended the process. */
  async stop(): Promise<number | string> {
    this.#process.kill('SIGTERM');
    return this.#exit;
  }

  /** Resolves when it says so; rejects when it ends instead. */
  async ready(): Promise<void> {
    const said = new Promise<'ready'>((resolve) => {
      const look = (): void => {
        if (this.#said.includes('"operator ready"')) resolve('ready');
      };
      this.#process.stdout?.on('data', look);
      look();
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'no end'>((resolve) => {
      timer = setTimeout(resolve, patienceMs, 'no end');
    });
    const outcome = await Promise.race([said, this.#exit, late]);
    clearTimeout(timer);
    if (outcome === 'ready') return;
    throw new Error(`the operator is not ready (${outcome}); its log ends:\n${this.#said.slice(-5000)}`);
  }
}
