import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bundle } from './bundle.ts';
import type { Observed } from './observer.ts';
import { cpuSecondsOf, figuresOf, type ProcessFigures } from './processes.ts';

export interface OperatorOptions {
  bundle: Bundle;
  kubeconfig: string;
  /** The folder of the control plane; its log goes there. */
  folder: string;
  /** For Node, beside those of the image. */
  nodeOptions: readonly string[];
}

/** Those of the image, and the heap that Node takes for itself under the chart's limit of 512 MiB. */
const imageOptions = '--disable-warning=DEP0040 --max-semi-space-size=4 --max-old-space-size=256';

/** Who is busy for so long after everything is done has a loop. */
const neverSettlesMs = 60_000;

/** The operator as its image runs it, with the observer inside. */
export class BenchedOperator {
  /** `performance.now()` of this process. */
  readonly startedAt = performance.now();
  readonly #process: ChildProcess;
  readonly #port: number;
  readonly #exit: Promise<unknown>;

  static async start({ bundle, kubeconfig, folder, nodeOptions }: OperatorOptions): Promise<BenchedOperator> {
    const [port, log] = await Promise.all([freePort(), open(join(folder, 'logs', 'operator.log'), 'a')]);
    const concurrency = process.env['LONGSHORE_CONCURRENCY'];
    const child = spawn(process.execPath, [...nodeOptions, '--import', bundle.observer, bundle.operator], {
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      cwd: dirname(bundle.operator),
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        NODE_OPTIONS: imageOptions,
        // As the chart has it.
        MALLOC_ARENA_MAX: '1',
        KUBECONFIG: kubeconfig,
        LONGSHORE_PULLER_IMAGE: 'registry.test/longshore-puller:1',
        LONGSHORE_RUNTIME_IMAGE_CPU: 'registry.test/longshore-runtime:1',
        LONGSHORE_RUNTIME_IMAGE_CUDA: 'registry.test/longshore-runtime:1-cuda',
        LONGSHORE_RUNTIME_IMAGE_VULKAN: 'registry.test/longshore-runtime:1-vulkan',
        LONGSHORE_PORT: String(port),
        // Else its default, as in production.
        ...(concurrency !== undefined && { LONGSHORE_CONCURRENCY: concurrency }),
        // Stopping the control plane ends what carries its folder: no operator outlives a killed bench.
        LONGSHORE_TEST_STATE: folder,
        LONGSHORE_TEST_COMPONENT: 'operator',
      },
    });
    await log.close();
    return new BenchedOperator(child, port);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#process = child;
    this.#port = port;
    this.#exit = once(child, 'exit');
  }

  /** Resolves with the milliseconds from its start. */
  async ready(): Promise<number> {
    for (;;) {
      if (this.#process.exitCode !== null)
        throw new Error(`the operator ended with ${this.#process.exitCode}`);
      const answer = await fetch(`http://127.0.0.1:${this.#port}/readyz`).catch(() => undefined);
      if (answer?.ok) return performance.now() - this.startedAt;
      if (performance.now() - this.startedAt > 120_000)
        throw new Error('the operator is not ready after 120 s');
      await sleep(20);
    }
  }

  async observed(): Promise<Observed> {
    const answer = once(this.#process, 'message') as Promise<[Observed]>;
    this.#process.send('figures');
    return (await answer)[0];
  }

  figures(): Promise<ProcessFigures> {
    return figuresOf(this.#pid);
  }

  /** The sum over all labels of a counter or gauge that it exports; undefined when there is none of that name. */
  async metric(name: string): Promise<number | undefined> {
    const text = await (await fetch(`http://127.0.0.1:${this.#port}/metrics`)).text();
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^\\n]*\\})? (\\S+)$`, 'gm'))].map((found) =>
      Number(found[1]),
    );
    return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
  }

  /**
   * Resolves when it has been at rest for so long, with the `performance.now()` at which that began; undefined when it
   * never is. At rest: it uses less than a fifth of a core and asks nothing of the API server.
   */
  async settled(restMs: number): Promise<number | undefined> {
    const every = 100;
    const from = performance.now();
    let busyAt = from;
    let before = await cpuSecondsOf(this.#pid);
    while (busyAt - from < neverSettlesMs) {
      await sleep(every);
      const now = performance.now();
      const cpu = await cpuSecondsOf(this.#pid);
      if ((cpu - before) * 1000 > every / 5) busyAt = now;
      before = cpu;
      if (now - busyAt < restMs) continue;
      const { lastRequestAt } = await this.observed();
      busyAt = Math.max(busyAt, lastRequestAt - performance.timeOrigin);
      if (performance.now() - busyAt >= restMs) return busyAt;
    }
    return undefined;
  }

  /** As the kubelet ends a pod; answers with the milliseconds that took. */
  async stop(): Promise<number> {
    const from = performance.now();
    this.#process.kill('SIGTERM');
    await this.#exit;
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== 0) throw new Error(`the operator ended with ${exitCode ?? signalCode}`);
    return performance.now() - from;
  }

  get #pid(): number {
    const { pid } = this.#process;
    if (pid === undefined) throw new Error('the operator was not started');
    return pid;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
