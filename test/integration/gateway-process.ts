import { spawn, type ChildProcess } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const program = join(import.meta.dirname, '../../src/gateway/main.ts');

export interface GatewayOptions {
  kubeconfig: string;
  namespace: string;
  /** The folder of the control plane. */
  cluster: string;
  environment?: Record<string, string>;
}

interface PostOptions {
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

interface Line {
  msg: string;
  address?: string;
  [field: string]: unknown;
}

/** The gateway as its image runs it: a process that can be ended, with a log. */
export class GatewayProcess {
  readonly #process: ChildProcess;
  /** The exit code, or the signal that ended the process. */
  readonly exit: Promise<number | string>;
  #said = '';

  /** Resolves when it is ready. */
  static async start(options: GatewayOptions): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(options);
    await gateway.says('gateway ready');
    return gateway;
  }

  constructor({ kubeconfig, namespace, cluster, environment = {} }: GatewayOptions) {
    this.#process = spawn(process.execPath, [program], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: join(tmpdir(), 'longshore-compile-cache'),
        KUBECONFIG: kubeconfig,
        LONGSHORE_NAMESPACE: namespace,
        LONGSHORE_PORT: '0',
        LONGSHORE_HEALTH_PORT: '0',
        LONGSHORE_DRAIN_SECONDS: '0',
        LONGSHORE_TEST_STATE: cluster,
        ...environment,
      },
    });
    const said = (chunk: Buffer): void => {
      this.#said += chunk.toString();
    };
    this.#process.stdout?.on('data', said);
    this.#process.stderr?.on('data', said);
    this.exit = new Promise((resolve) => {
      this.#process.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** Of the clients' port. */
  get url(): string {
    return loopback(this.lines.find(({ msg }) => msg === 'gateway ready')?.address);
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('the gateway did not start');
    return this.#process.pid;
  }

  /** Errors of its log, and warnings of Node. */
  get complaints(): string[] {
    const isOne = (line: string): boolean => /"level":[56]0|Warning:/.test(line);
    return this.#said.split('\n').filter(isOne);
  }

  /** Of /healthz, /readyz and /metrics. */
  get healthUrl(): string {
    return loopback(this.lines.find(({ msg }) => msg.includes('/readyz'))?.address);
  }

  get lines(): Line[] {
    const whole = this.#said.slice(0, this.#said.lastIndexOf('\n'));
    return whole.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Line] : []));
  }

  /** Resolves when it says so; rejects with the end of its log when it has not, a minute later. */
  async says(message: string): Promise<Line> {
    for (const until = performance.now() + 60_000; performance.now() < until; await delay(20)) {
      const line = this.lines.find(({ msg }) => msg === message);
      if (line) return line;
    }
    throw new Error(`the gateway does not say "${message}"; its log ends:\n${this.#said.slice(-5000)}`);
  }

  post(path: string, body: object, init: PostOptions = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  }

  /** As the kubelet ends a pod; answers with the exit code, or the signal that ended the process. */
  async stop(): Promise<number | string> {
    this.#process.kill('SIGTERM');
    return this.exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.exit;
  }
}

function loopback(address: string | undefined): string {
  if (address === undefined) throw new Error('the gateway does not listen yet');
  const { protocol, port } = new URL(address);
  return `${protocol}//127.0.0.1:${port}`;
}
