import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';

interface Held {
  method: string;
  path: string;
  answer: () => void;
}

/** An HTTP proxy before the API server that notes what is asked of it, watches and the Lease of operators left out. */
export class RequestLog implements AsyncDisposable {
  readonly sent: { method: string; path: string }[] = [];
  readonly kubeconfig: string;
  readonly #server: Server;
  #held: Held[] | undefined;

  static async start(kubeconfig: string): Promise<RequestLog> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const target = config.getCurrentCluster()?.server ?? '';
    const credentials: RequestOptions = {};
    await config.applyToHTTPSOptions(credentials);
    const server = createServer((near, response) => {
      const { method = '', url = '', headers } = near;
      const { pathname: path, searchParams } = new URL(url, target);
      const isLease = path.startsWith('/apis/coordination.k8s.io/');
      if (!searchParams.has('watch') && !isLease) log.sent.push({ method, path });
      const far = request(new URL(url, target), { ...credentials, method, headers }, (answer) => {
        const pass = (): void => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          response.flushHeaders();
          answer.pipe(response);
        };
        if (log.#held === undefined || isLease || method === 'GET') pass();
        else log.#held.push({ method, path, answer: pass });
      });
      far.on('error', () => response.destroy());
      response.on('close', () => far.destroy());
      near.pipe(far);
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const path = join(await mkdtemp(join(tmpdir(), 'longshore-requests-')), 'kubeconfig');
    const plain = new KubeConfig();
    // Without the last member client-node refuses a server that speaks plain HTTP.
    const cluster = { name: 'noted', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
    plain.loadFromClusterAndUser(cluster, { name: 'anyone' });
    await writeFile(path, plain.exportConfig());
    const log = new RequestLog(path, server);
    return log;
  }

  private constructor(kubeconfig: string, server: Server) {
    this.kubeconfig = kubeconfig;
    this.#server = server;
  }

  /** Has writes from now on carried out, and those who sent them wait for the answers. */
  hold(): void {
    this.#held = [];
  }

  /** Those that wait for an answer. */
  get held(): readonly Pick<Held, 'method' | 'path'>[] {
    return this.#held ?? [];
  }

  /** Hands out the answers; later ones come at once. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const { answer } of held) answer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    await rm(dirname(this.kubeconfig), { recursive: true });
  }
}
