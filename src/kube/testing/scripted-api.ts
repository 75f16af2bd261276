import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { Channel } from './channel.ts';

/** A request that waits for the test to answer it. */
export interface Exchange {
  method: string;
  path: string;
  query: URLSearchParams;
  headers: IncomingMessage['headers'];
  body: string;
  answer(status: number, body: object | string, headers?: Record<string, string>): void;
  /** Sends the head of the answer at first, then bytes as they are. */
  write(chunk: string | Uint8Array): void;
  end(): void;
  /** Drops the connection. */
  cut(): void;
}

/** An API server that knows nothing and answers what the test says, over real HTTP on loopback. */
export class ScriptedApi implements AsyncDisposable {
  readonly requests = new Channel<Exchange>();
  readonly #server = createServer((request, response) => void this.#take(request, response));
  #port = 0;

  /** Again after `close`: on the same port. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(this.#port, '127.0.0.1', resolve);
    });
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.#port = address.port;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Without `user` it has no credentials. */
  kubeConfig(user: object = {}): KubeConfig {
    const config = new KubeConfig();
    const server = `http://127.0.0.1:${this.#port}`;
    config.loadFromClusterAndUser(
      { name: 'scripted', server, skipTLSVerify: true },
      { name: 'test', ...user },
    );
    return config;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://scripted');
    this.requests.push({
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body: await text(request),
      answer: (status, body, headers = {}) => {
        response.writeHead(status, headers);
        response.end(typeof body === 'string' ? body : JSON.stringify(body));
      },
      write: (chunk) => {
        response.write(chunk);
      },
      end: () => response.end(),
      cut: () => response.destroy(),
    });
  }
}
