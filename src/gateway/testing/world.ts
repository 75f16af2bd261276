import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import { createServer, type ServerOptions } from '../server.ts';
import { aPod, aServer, cachesOf } from './objects.ts';

export interface Heard {
  url: string;
  headers: IncomingMessage['headers'];
  body: unknown;
}

/** A pod's web server: what it was asked, and what it answers. */
export interface PlayedReplica {
  ip: string;
  heard: Heard[];
}

/** How a replica answers; it has read the request. */
export type Answer = (...parameters: [...Parameters<RequestListener>, Heard]) => void | Promise<void>;

export const answering =
  (status: number, body: object): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };

/** Has something done when a test is over, as `onTestFinished` of vitest does. */
export type OnEnd = (end: () => void | Promise<void>) => void;

const parsed = (sent: string): unknown => (sent === '' ? undefined : JSON.parse(sent));

/** Web servers on one port, each at an address of its own: Linux has all of 127.0.0.0/8. */
class ReplicaServers {
  readonly #onEnd: OnEnd;
  #port = 0;
  #next = 1;

  constructor(onEnd: OnEnd) {
    this.#onEnd = onEnd;
  }

  /** What every replica listens on, also those that do not. */
  get port(): number {
    return this.#port;
  }

  async start(answer: Answer): Promise<PlayedReplica> {
    const ip = this.absent();
    const heard: Heard[] = [];
    const server = createHttpServer((request, response) => {
      void (async () => {
        const sent = await text(request);
        const what = { url: request.url ?? '', headers: request.headers, body: parsed(sent) };
        heard.push(what);
        await answer(request, response, what);
      })().catch(() => response.destroy());
    });
    server.listen(this.#port, ip);
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#onEnd(() => {
      server.close();
      server.closeAllConnections();
    });
    return { ip, heard };
  }

  /** An address at which nobody listens. */
  absent(): string {
    return `127.0.${process.pid % 200}.${this.#next++}`;
  }
}

/** Starts a gateway in front of replicas of the server `chat`, at an address. */
export async function startGatewayBefore(
  onEnd: OnEnd,
  answers: readonly (Answer | 'absent')[],
  choices: GatewayChoices = {},
) {
  const replicas = new ReplicaServers(onEnd);
  const played: PlayedReplica[] = [];
  // Those that listen first: they choose the port.
  for (const answer of answers) if (answer !== 'absent') played.push(await replicas.start(answer));
  const absent = answers.filter((answer) => answer === 'absent').map(() => replicas.absent());
  const server = choices.server ?? aServer('chat', { servedNames: ['llama3.1:8b', 'Qwen/Qwen3-8B-GGUF'] });
  const pods = [...played.map(({ ip }) => ip), ...absent].map((ip) => aPod(server, ip));
  const caches = cachesOf({ servers: [server], pods });
  const lines: string[] = [];
  const gateway = createServer({
    caches,
    log: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
    homeNamespace: undefined,
    admission: { requests: 100, bytes: 64 * 1024 * 1024, ...choices.admission },
    limits: { request: 60_000, idle: 30_000, connect: 2000, ...choices.limits },
    port: replicas.port,
    keys: choices.keys,
    management: choices.management && { ...choices.management, caches },
    certificate: choices.certificate,
  });
  const url = await gateway.app.listen({ port: 0, host: '127.0.0.1' });
  onEnd(async () => {
    gateway.app.server.closeAllConnections();
    await gateway.app.close();
  });
  const post = (path: string, body: unknown, init: PostOptions = {}): Promise<Response> =>
    fetch(`${url}${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...init,
      headers: { 'content-type': 'application/json', ...init.headers },
    });
  return { ...gateway, url, caches, server, played, lines, post };
}

interface PostOptions {
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface GatewayChoices {
  server?: ReturnType<typeof aServer>;
  admission?: Partial<ServerOptions['admission']>;
  limits?: Partial<ServerOptions['limits']>;
  keys?: ServerOptions['keys'];
  management?: Omit<NonNullable<ServerOptions['management']>, 'caches'>;
  certificate?: ServerOptions['certificate'];
}
