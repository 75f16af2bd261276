import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent, request, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { Lease } from '../../src/kube/builtin.ts';
import type { Live } from '../../src/kube/kind.ts';

/** What one operator asked to be written, events and the Lease left out. */
export interface Write {
  /** Counted from 0, in the order in which they were let in. */
  writer: number;
  /** Who led when it came: the last whose hold of the Lease had been answered; undefined between two of them. */
  leader: number | undefined;
  method: string;
  path: string;
  /** Of the answer; undefined as long as there is none. */
  status?: number;
}

/**
 * HTTP proxies before the API server, one for each operator, that note who wrote what and who led then. One process sees
 * all of it: a write that comes after the answer to another's hold of the Lease was sent when that one led already.
 */
export class WriteLog implements AsyncDisposable {
  readonly writes: Write[] = [];
  /** Who led, one after another. */
  readonly reigns: number[] = [];
  readonly #target: string;
  /** With the rights of the test. */
  readonly #agent: Agent;
  readonly #folder: string;
  readonly #servers: Server[] = [];
  /** Answers that are kept back, by writer. */
  readonly #held = new Map<number, (() => void)[]>();
  #leader: number | undefined;
  #leaseVersion = 0;
  #heard = Promise.withResolvers<void>();

  static async start(kubeconfig: string): Promise<WriteLog> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const credentials: RequestOptions = {};
    await config.applyToHTTPSOptions(credentials);
    const { ca, cert, key } = credentials;
    const agent = new Agent({ keepAlive: true, ca, cert, key });
    const folder = await mkdtemp(join(tmpdir(), 'longshore-writes-'));
    return new WriteLog(config.getCurrentCluster()?.server ?? '', agent, folder);
  }

  private constructor(target: string, agent: Agent, folder: string) {
    this.#target = target;
    this.#agent = agent;
    this.#folder = folder;
  }

  /** The writer who leads, as far as answers have told. */
  get leader(): number | undefined {
    return this.#leader;
  }

  /** Path of a kubeconfig for one more writer, the next by number. */
  async letIn(): Promise<string> {
    const writer = this.#servers.length;
    const server = createServer((near, response) => this.#take(writer, near, response));
    this.#servers.push(server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const config = new KubeConfig();
    // Without the last member client-node refuses a server that speaks plain HTTP.
    const cluster = { name: 'noted', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
    config.loadFromClusterAndUser(cluster, { name: 'anyone' });
    const path = join(this.#folder, `${writer}.kubeconfig`);
    await writeFile(path, config.exportConfig());
    return path;
  }

  /** Writes that came when their writer did not lead. */
  get late(): Write[] {
    return this.writes.filter(({ writer, leader }) => writer !== leader);
  }

  /** Has writes of this one carried out and not answered, until the returned function hands out the answers. */
  hold(writer: number): () => void {
    this.#held.set(writer, []);
    return () => {
      const held = this.#held.get(writer) ?? [];
      this.#held.delete(writer);
      for (const answer of held) answer();
    };
  }

  /** Resolves when one leads, another one than `writer` where that is given. */
  async led(writer?: number): Promise<void> {
    while (this.#leader === undefined || this.#leader === writer) await this.#heard.promise;
  }

  #take(writer: number, near: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = near;
    const target = new URL(url, this.#target);
    const isLease = target.pathname.startsWith('/apis/coordination.k8s.io/');
    const isEvent = target.pathname.startsWith('/apis/events.k8s.io/');
    const isWrite = method !== 'GET' && !isLease && !isEvent;
    const write: Write = { writer, leader: this.#leader, method, path: target.pathname };
    if (isWrite) this.writes.push(write);

    const far = request(target, { agent: this.#agent, method, headers }, (answer) => {
      answer.on('error', () => response.destroy());
      if (!isWrite && !isLease) {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        return;
      }
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const status = answer.statusCode ?? 502;
        const body = Buffer.concat(chunks);
        write.status = status;
        if (isLease && method !== 'GET' && status < 300)
          this.#hear(writer, JSON.parse(body.toString()) as Live<Lease>);
        const pass = (): void => {
          // Of one that was killed.
          if (response.destroyed) return;
          response.writeHead(status, answer.headers);
          response.end(body);
        };
        const held = isWrite ? this.#held.get(writer) : undefined;
        if (held === undefined) pass();
        else held.push(pass);
      });
    });
    far.on('error', () => response.destroy());
    response.on('close', () => {
      // A write is carried out also when its writer is gone.
      if (!isWrite && !isLease) far.destroy();
    });
    near.on('close', () => {
      if (!near.complete) far.destroy();
    });
    near.pipe(far);
  }

  #hear(writer: number, { spec, metadata }: Live<Lease>): void {
    const version = Number(metadata.resourceVersion);
    if (version < this.#leaseVersion) return;
    this.#leaseVersion = version;
    const leader = spec?.holderIdentity ? writer : undefined;
    if (leader === this.#leader) return;
    this.#leader = leader;
    if (leader !== undefined) this.reigns.push(writer);
    this.#heard.resolve();
    this.#heard = Promise.withResolvers<void>();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.#servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
    this.#agent.destroy();
    await rm(this.#folder, { recursive: true });
  }
}
