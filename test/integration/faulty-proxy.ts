import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';

/** What the next requests meet instead of their answers, or besides. */
export const requestFaults = [
  /** 429 with Retry-After. */
  'throttled',
  /** 500. */
  'failing',
  /** An answer that takes a while. */
  'late',
  /** The connection ends before an answer. */
  'dropped',
  /** The connection ends in the midst of the body. */
  'reset',
  /** The body is cut short, with an end as if it were whole. */
  'cut short',
  /** Headers, and nothing then. */
  'silent',
  /** A watch from where the server has forgotten: 410 in the stream, as API servers tell it. */
  'expired',
  /** No streams: the answer of a server before 1.32. */
  'streams refused',
] as const;
export type RequestFault = (typeof requestFaults)[number];

/** What happens to everything that is open. */
export const openFaults = ['cut', 'silenced', 'ended'] as const;
export type OpenFault = (typeof openFaults)[number];

/** An HTTP proxy before the API server that does to requests and watches what networks and servers do to them. */
export class FaultyProxy implements AsyncDisposable {
  readonly config = new KubeConfig();
  readonly #target: string;
  readonly #credentials: RequestOptions;
  readonly #server: Server;
  readonly #open = new Set<{ response: ServerResponse; far: IncomingMessage }>();
  #next: RequestFault[] = [];
  /** Faults that requests have met. */
  met = 0;

  static async start(kubeconfig: string): Promise<FaultyProxy> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    const credentials: RequestOptions = {};
    await config.applyToHTTPSOptions(credentials);
    const proxy = new FaultyProxy(config.getCurrentCluster()?.server ?? '', credentials);
    await new Promise<void>((resolve) => {
      proxy.#server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = proxy.#server.address() as AddressInfo;
    // Without the last member client-node refuses a server that speaks plain HTTP.
    const cluster = { name: 'faulty', server: `http://127.0.0.1:${port}`, skipTLSVerify: true };
    proxy.config.loadFromClusterAndUser(cluster, { name: 'anyone' });
    return proxy;
  }

  private constructor(target: string, credentials: RequestOptions) {
    this.#target = target;
    this.#credentials = credentials;
    this.#server = createServer((near, response) => void this.#take(near, response));
  }

  /** Each of the next requests meets one of these. */
  next(...faults: RequestFault[]): void {
    this.#next.push(...faults);
  }

  /** Does this to everything that is open. */
  now(fault: OpenFault): void {
    for (const { response, far } of this.#open) {
      if (fault === 'cut') response.destroy();
      if (fault === 'silenced') far.unpipe(response);
      if (fault === 'ended') {
        far.unpipe(response);
        response.end();
      }
    }
  }

  heal(): void {
    this.#next = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #take(near: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(near.url ?? '', this.#target);
    const fault = this.#next.shift();
    if (fault !== undefined) this.met += 1;
    if (fault === 'throttled') return refuse(response, 429, 'TooManyRequests', { 'retry-after': '0' });
    if (fault === 'failing') return refuse(response, 500, 'InternalError');
    if (fault === 'streams refused' && url.searchParams.has('sendInitialEvents'))
      return refuse(response, 422, 'Invalid');
    if (fault === 'dropped') {
      response.destroy();
      return;
    }
    if (fault === 'late') await delay(200);
    if (fault === 'expired' && url.searchParams.has('resourceVersion')) {
      const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      response.end(`${JSON.stringify({ type: 'ERROR', object })}\n`);
      return;
    }
    this.#forward(near, response, url, fault);
  }

  #forward(near: IncomingMessage, response: ServerResponse, url: URL, fault: RequestFault | undefined): void {
    const { method = '', headers } = near;
    const far = request(url, { ...this.#credentials, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      const open = { response, far: answer };
      this.#open.add(open);
      response.on('close', () => this.#open.delete(open));
      answer.on('error', () => response.destroy());
      if (fault === 'reset' || fault === 'cut short') spoil(answer, response, fault);
      else if (fault !== 'silent') answer.pipe(response);
    });
    far.on('error', () => response.destroy());
    response.on('close', () => far.destroy());
    near.pipe(far);
  }
}

/** Passes on a part of what comes first. */
function spoil(answer: IncomingMessage, response: ServerResponse, how: 'reset' | 'cut short'): void {
  answer.once('data', (chunk: Buffer) => {
    answer.pause();
    const part = chunk.subarray(0, Math.floor(chunk.length / 2));
    response.write(part, () => (how === 'reset' ? response.destroy() : response.end()));
  });
}

function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(code, { ...headers, 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', code, reason, message: 'by the faulty proxy' }));
}
