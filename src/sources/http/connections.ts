import type { LookupFunction, Socket } from 'node:net';
import { createSecureContext, getCACertificates } from 'node:tls';
import { Agent, buildConnector, Pool, type Dispatcher } from 'undici';
import { proxyFor, type Proxies, type Proxy } from './proxy.ts';

export interface ConnectionOptions {
  /** Milliseconds without a byte, of the headers or the body, after which a connection counts as dead. */
  readonly stallMs: number;
  readonly proxies?: Proxies | undefined;
  /** In PEM: trusted beside the public authorities, of proxies too. */
  readonly certificates?: readonly string[] | undefined;
  /** Finds the addresses of a name; default: as the system does. */
  readonly lookup?: LookupFunction | undefined;
}

export interface Sending {
  readonly headers: Record<string, string>;
  readonly signal: AbortSignal | null;
  /** Makes it a POST. */
  readonly body?: string | undefined;
  /** Makes it a HEAD. */
  readonly head?: boolean | undefined;
}

/** Sends one GET, POST or HEAD, without following redirects. Fails with ProxyError, or with undici's errors. */
export type Send = (url: URL, request: Sending) => Promise<Dispatcher.ResponseData>;

/** The proxy is at fault, and not what is behind it. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly proxy: string;
  readonly hint: string | undefined;
  /** The password itself must not get into a log with the error. */
  readonly hadPassword: boolean;
  /** What it answered instead of letting the request through; undefined when it did not answer. */
  readonly status: number | undefined;

  constructor(proxy: Proxy, status: number | undefined, options: ErrorOptions = {}) {
    super(`the proxy ${proxy.origin} failed`, options);
    this.proxy = proxy.origin;
    this.hint = proxy.hint;
    this.hadPassword = proxy.authorization !== undefined;
    this.status = status;
  }
}

const longestConnectMs = 10_000;

/**
 * As many connections to an origin as there are requests at a time, directly or through a proxy: https through a tunnel
 * (CONNECT), http by asking the proxy for the whole address. HTTP/2 is off: its flow-control window caps a download
 * (undici#4705). The proxy agents of undici are not used, since they wait 300 s for a proxy that accepts a connection and
 * says nothing, and do not tell a proxy's failure from that of what is behind it (docs/adr/0016).
 */
export function createSend({ stallMs, proxies, certificates, lookup }: ConnectionOptions): Send {
  const tls: buildConnector.BuildOptions = {
    allowH2: false,
    timeout: Math.min(stallMs, longestConnectMs),
    autoSelectFamily: true,
    ...(lookup && { lookup }),
    // One context for all connections: to read the certificates takes longer than a handshake.
    ...(certificates?.length && {
      secureContext: createSecureContext({ ca: [...getCACertificates('default'), ...certificates] }),
    }),
  };
  const options = { allowH2: false, pipelining: 1, headersTimeout: stallMs, bodyTimeout: stallMs };
  const direct = new Agent({ ...options, connect: tls });
  const choose = proxies === undefined ? () => undefined : proxyFor(proxies);
  const ways = new Map<Proxy, Way>();

  return async (url, request) => {
    const proxy = choose(url);
    if (proxy === undefined) return direct.request({ ...sending(request), ...targetOf(url) });
    let way = ways.get(proxy);
    if (way === undefined) ways.set(proxy, (way = throughProxy(proxy, tls, options)));
    if (url.protocol === 'https:') {
      return way.tunnels.request({ ...sending(request), ...targetOf(url) });
    }
    return forward(way.pool, proxy, url, request);
  };
}

/** As undici takes it. */
function sending({ body, head, ...rest }: Sending) {
  if (body !== undefined) return { ...rest, method: 'POST', body } as const;
  return { ...rest, method: head === true ? 'HEAD' : 'GET' } as const;
}

function targetOf({ origin, pathname, search }: URL): { origin: string; path: string } {
  return { origin, path: pathname + search };
}

interface Way {
  /** Connections to the proxy itself. */
  readonly pool: Pool;
  /** Connections to what is behind it, each through one of its own. */
  readonly tunnels: Agent;
}

function throughProxy(proxy: Proxy, tls: buildConnector.BuildOptions, options: Pool.Options): Way {
  const connect = buildConnector(tls);
  const pool = new Pool(proxy.origin, {
    ...options,
    connect(to, callback) {
      // Not the name that the request is for: it is not what the proxy has a certificate for.
      const { servername: _, ...toProxy } = to;
      connect(toProxy, (...[error, socket]) => {
        if (error) callback(new ProxyError(proxy, undefined, { cause: error }), null);
        else callback(null, socket);
      });
    },
  });
  const secure = buildConnector(tls);
  const connectBehind = async (
    to: buildConnector.Options,
    callback: buildConnector.Callback,
  ): Promise<void> => {
    try {
      secure({ ...to, httpSocket: await openTunnel(pool, proxy, to) }, callback);
    } catch (error) {
      callback(error as Error, null);
    }
  };
  const tunnels = new Agent({ ...options, connect: (to, callback) => void connectBehind(to, callback) });
  return { pool, tunnels };
}

async function openTunnel(
  pool: Pool,
  proxy: Proxy,
  { host, hostname, port }: buildConnector.Options,
): Promise<Socket> {
  const authority = port ? (host ?? `${hostname}:${port}`) : `${host ?? hostname}:443`;
  const headers = { host: authority, ...authorizationFor(proxy) };
  const { statusCode, socket } = await pool
    .connect({ path: authority, headers })
    .catch((error: unknown) => Promise.reject(asProxyError(proxy, error)));
  if (statusCode >= 200 && statusCode < 300) return socket as Socket;
  socket.on('error', () => {}).destroy();
  throw new ProxyError(proxy, statusCode);
}

async function forward(
  pool: Pool,
  proxy: Proxy,
  url: URL,
  request: Sending,
): Promise<Dispatcher.ResponseData> {
  const { origin, path } = targetOf(url);
  const { headers, signal } = request;
  const answer = await pool
    .request({
      ...sending(request),
      path: origin + path,
      headers: { ...headers, host: url.host, ...authorizationFor(proxy) },
    })
    .catch((error: unknown) => Promise.reject(signal?.aborted ? error : asProxyError(proxy, error)));
  if (answer.statusCode !== 407) return answer;
  answer.body.on('error', () => {}).destroy();
  throw new ProxyError(proxy, 407);
}

function authorizationFor({ authorization }: Proxy): Record<string, string> {
  return authorization === undefined ? {} : { 'proxy-authorization': authorization };
}

function asProxyError(proxy: Proxy, error: unknown): ProxyError {
  return error instanceof ProxyError ? error : new ProxyError(proxy, undefined, { cause: error });
}
