/** An HTTP proxy of tests: it tunnels (CONNECT), forwards plain http, and knows names that nobody else knows. */
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { stop, type Identity } from './origin.ts';

export type ProxyOptions = {
  /** Every name and address leads to this machine, unless it is refused with a status here. */
  refuse?: (host: string) => number | undefined;
  /** The only ones that it lets through. */
  user?: { name: string; password: string };
  tls?: Identity;
  /** Accepts connections and says nothing. */
  silent?: boolean;
};

export type Proxy = {
  /** Of 127.0.0.1. */
  port: number;
  url: string;
  /** Each as `CONNECT host:port` or `GET http://host/path`, in order of arrival. */
  requests: string[];
  /** The headers of the same requests. */
  headers: IncomingMessage['headers'][];
  close(): Promise<void>;
};

export async function startProxy({
  refuse = () => undefined,
  user,
  tls,
  silent = false,
}: ProxyOptions = {}): Promise<Proxy> {
  const requests: string[] = [];
  const headers: IncomingMessage['headers'][] = [];
  const sockets = new Set<Socket>();
  const expected = user && `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;

  /** The status of a refusal. */
  function admit(request: IncomingMessage, host: string): number | undefined {
    requests.push(`${request.method} ${request.url}`);
    headers.push(request.headers);
    return expected !== undefined && request.headers['proxy-authorization'] !== expected ? 407 : refuse(host);
  }

  function forward(request: IncomingMessage, response: ServerResponse): void {
    const { host, port, pathname, search } = new URL(request.url ?? '');
    const status = admit(request, host);
    if (silent) return;
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    const { 'proxy-authorization': _, ...passed } = request.headers;
    const target = { host: '127.0.0.1', port: port || 80, path: pathname + search, headers: passed };
    const upstream = send(target, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.writeHead(502).end());
    upstream.end();
  }

  function tunnel(request: IncomingMessage, client: Socket): void {
    const { host, port } = new URL(`http://${request.url}`);
    const status = admit(request, host);
    sockets.add(client);
    client.on('error', () => {});
    if (silent) return;
    if (status !== undefined) {
      client.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(Number(port || 80), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  }

  const server = tls === undefined ? createServer(forward) : createTlsServer(tls, forward);
  server.on('connect', tunnel);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('this proxy has no TCP port');
  return {
    port: address.port,
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${address.port}`,
    requests,
    headers,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await stop(server);
    },
  };
}
