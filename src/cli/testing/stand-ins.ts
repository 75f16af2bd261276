import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';

/** What a stand-in has, by the plural of its kind. */
export interface Stock {
  models?: Live<Model>[];
  modelservers?: Live<ModelServer>[];
}

export interface Answer {
  status: number;
  body: unknown;
}

export interface Asked {
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
  headers: IncomingMessage['headers'];
}

export interface StandIn extends AsyncDisposable {
  /** From then on nobody listens. */
  stop: () => Promise<void>;
  /** Ends the connections there are. */
  breakOff: () => void;
  url: string;
  asked: Asked[];
  /** Options of the program that lead here. */
  options: string[];
}

/** An answer that goes on: lines, and then nothing more until the client leaves. */
export interface Stream {
  lines: readonly unknown[];
}

type Answering = (asked: Asked) => Answer | Stream;

async function listen(answer: Answering): Promise<Omit<StandIn, 'options'>> {
  const asked: Asked[] = [];
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://stand-in');
    const sent = await text(request);
    const one: Asked = {
      method: request.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      body: sent === '' ? undefined : JSON.parse(sent),
      headers: request.headers,
    };
    asked.push(one);
    const answered = answer(one);
    if ('lines' in answered) {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' });
      for (const line of answered.lines) response.write(`${JSON.stringify(line)}\n`);
      return;
    }
    const { status, body } = answered;
    const isPage = typeof body === 'string';
    response.writeHead(status, { 'content-type': isPage ? 'text/html' : 'application/json' });
    response.end(isPage ? body : JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    respond(request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    stop,
    breakOff: () => server.closeAllConnections(),
    [Symbol.asyncDispose]: stop,
  };
}

/** An API server with these objects in namespace `ns`, or one that answers everything so. */
export async function startApiServer(stock: Stock, always?: Answer): Promise<StandIn> {
  const refused = (status: number, reason: string, message: string): Answer => ({
    status,
    body: { kind: 'Status', code: status, reason, message },
  });
  const server = await listen(({ method, path, query }) => {
    if (always) return always;
    const [, plural = '', name] = /\/namespaces\/ns\/(\w+)(?:\/([^/]+))?$/.exec(path) ?? [];
    const items: Live<Model | ModelServer>[] = stock[plural as keyof Stock] ?? [];
    const found = items.find(({ metadata }) => metadata.name === name);
    if (query.has('watch')) return { lines: [] };
    if (method === 'POST' && items.length > 0) return refused(409, 'AlreadyExists', 'it is there already');
    if (method === 'POST') return { status: 201, body: {} };
    if (name === undefined) return { status: 200, body: { items, metadata: { resourceVersion: '1' } } };
    if (found) return { status: 200, body: found };
    return refused(404, 'NotFound', `${plural}.longshore.dev "${name}" not found`);
  });
  const folder = await mkdtemp(join(tmpdir(), 'longshore-cli-'));
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: server.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'u', user: { token: 't' } }],
      contexts: [{ name: 'here', context: { cluster: 'c', user: 'u', namespace: 'ns' } }],
      'current-context': 'here',
    }),
  );
  return {
    ...server,
    options: ['--kubeconfig', kubeconfig],
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export interface GatewayChoices {
  /** Of the key. */
  scopes?: string[];
  isManaging?: boolean;
  /** What it answers everything with but the question who it is. */
  always?: Answer;
  /** Also that. */
  isAll?: boolean;
  /** It begins to answer, and says nothing. */
  isSilent?: boolean;
}

export const gatewayRefusal = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { message, type: 'invalid_request_error', param: null, code } },
});

/** A gateway in front of the same. */
export async function startGateway(stock: Stock, choices: GatewayChoices = {}): Promise<StandIn> {
  const {
    scopes = ['infer', 'read', 'manage'],
    isManaging = true,
    always,
    isAll = false,
    isSilent = false,
  } = choices;
  const gateway = await listen(({ method, path, query }) => {
    if (isSilent) return { lines: [] };
    if (always && (isAll || path !== '/version')) return always;
    if (path === '/version') {
      return { status: 200, body: { version: '1.2.3', scopes, ...(isManaging && { namespace: 'ns' }) } };
    }
    const [, plural, namespace, name] = /^\/objects\/(\w+)(?:\/(\w+)\/([^/]+))?$/.exec(path) ?? [];
    if (!isManaging) return gatewayRefusal(404, 'unknown_url', `Unknown request URL: ${method} ${path}.`);
    if (plural === undefined) return { lines: [{ status: 'pulling manifest' }] };
    const items: Live<Model | ModelServer>[] = stock[plural as keyof Stock] ?? [];
    const found = items.find(({ metadata }) => metadata.name === name);
    if (name === undefined) return { status: 200, body: { items } };
    if (!found || namespace !== 'ns')
      return gatewayRefusal(404, 'object_not_found', `There is none ns/${name}.`);
    return query.has('follow') ? { lines: [{ object: found }] } : { status: 200, body: found };
  });
  return { ...gateway, options: ['--server', gateway.url] };
}
