import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';

/** Stands between the operator and the API server and can be cut, as a network can. */
export class InterruptibleProxy implements AsyncDisposable {
  /** Of whoever goes through the proxy. */
  readonly kubeconfig: string;
  readonly #port: number;
  readonly #sockets: Set<Socket>;
  readonly #server: ReturnType<typeof createServer>;
  /** Connections so far. */
  connections = 0;

  static async start(kubeconfig: string): Promise<InterruptibleProxy> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const [cluster] = config.clusters;
    if (!cluster) throw new Error(`${kubeconfig} names no cluster`);
    const target = new URL(cluster.server);
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const far = connect(Number(target.port), target.hostname);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
    await listen(server, 0);
    const { port } = server.address() as AddressInfo;
    const path = join(await mkdtemp(join(tmpdir(), 'longshore-proxy-')), 'kubeconfig');
    config.clusters = [{ ...cluster, server: `https://127.0.0.1:${port}` }];
    await writeFile(path, config.exportConfig(), { mode: 0o600 });
    const proxy = new InterruptibleProxy(path, port, server, sockets);
    server.on('connection', () => (proxy.connections += 1));
    return proxy;
  }

  private constructor(
    kubeconfig: string,
    port: number,
    server: ReturnType<typeof createServer>,
    sockets: Set<Socket>,
  ) {
    this.kubeconfig = kubeconfig;
    this.#port = port;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** Ends every connection; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends every connection and refuses new ones. */
  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  async up(): Promise<void> {
    await listen(this.#server, this.#port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.down();
    await rm(dirname(this.kubeconfig), { recursive: true });
  }
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}
