import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';

/** An HTTP proxy before the API server that notes what is asked of it, watches and the Lease of operators left out. */
export class RequestLog implements AsyncDisposable {
  readonly sent: { method: string; path: string }[] = [];
  readonly kubeconfig: string;
  readonly #server: Server;

  static async start(kubeconfig: string): Promise<RequestLog> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const target = config.getCurrentCluster()?.server ?? '';
    const credentials: RequestOptions = {};
    await config.applyToHTTPSOptions(credentials);
    const sent: RequestLog['sent'] = [];
    const server = createServer((near, response) => {
      const { method = '', url = '', headers } = near;
      const { pathname, searchParams } = new URL(url, target);
      const isLease = pathname.startsWith('/apis/coordination.k8s.io/');
      if (!searchParams.has('watch') && !isLease) sent.push({ method, path: pathname });
      const far = request(new URL(url, target), { ...credentials, method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
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
    return new RequestLog(path, sent, server);
  }

  private constructor(kubeconfig: string, sent: RequestLog['sent'], server: Server) {
    this.kubeconfig = kubeconfig;
    this.sent = sent;
    this.#server = server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
    await rm(dirname(this.kubeconfig), { recursive: true });
  }
}
