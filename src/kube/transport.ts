import type { RequestOptions } from 'node:https';
import { isDeepStrictEqual } from 'node:util';
import type { KubeConfig } from '@kubernetes/client-node';
import { Agent, DecoratorHandler, ProxyAgent, request as send } from 'undici';
import type { buildConnector, Dispatcher } from 'undici';
import { ApiError } from './errors.ts';

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  contentType?: string;
  /** Sent as JSON. */
  body?: object;
}

export interface HttpResponse {
  status: number;
  retryAfter: string | undefined;
  body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
}

interface Credentials {
  headers: Record<string, string>;
  dispatcher: Dispatcher;
}

/** For how long credentials are used without another look. */
const freshMs = 5000;

interface Route {
  proxy: string | undefined;
  tls: buildConnector.BuildOptions;
}

/**
 * HTTP/1.1 to the API server of a KubeConfig, on kept-alive connections. client-node's own calls make a new TLS agent for each
 * request. The KubeConfig is asked for credentials every few seconds, and again after an answer of 401: so a service
 * account token that the kubelet has rotated is picked up (client-node reads its file again after 60 s), and so are
 * rotated certificates. To ask it for each request would cost reads of files, and most of a request's time here.
 */
export class Transport {
  readonly #kubeConfig: KubeConfig;
  readonly #userAgent: string;
  #current: { route: Route; dispatcher: Dispatcher } | undefined;
  #asked: { at: number; credentials: Promise<Credentials> } | undefined;

  constructor(kubeConfig: KubeConfig, userAgent: string) {
    this.#kubeConfig = kubeConfig;
    this.#userAgent = userAgent;
  }

  /**
   * Resolves with any answer; rejects with ApiError when none came, or with the signal's reason. `beforeSend` is called
   * when nothing is left to do but to write the request to its connection; what it throws rejects the call, and nothing
   * is sent.
   */
  async send(request: HttpRequest, signal: AbortSignal, beforeSend?: () => void): Promise<HttpResponse> {
    const cluster = this.#kubeConfig.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current cluster');
    const url = new URL(cluster.server.replace(/\/$/, '') + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const what = `${request.method} ${request.path}`;
    let refusal: { error: unknown } | undefined;
    const lastLook = (): void => {
      try {
        beforeSend?.();
      } catch (error) {
        refusal = { error };
        throw error;
      }
    };
    try {
      const asked = this.#credentials();
      const { headers, dispatcher } = await asked.credentials;
      const response = await send(url, {
        method: request.method,
        headers: {
          ...headers,
          accept: 'application/json',
          'user-agent': this.#userAgent,
          ...(request.body === undefined
            ? {}
            : { 'content-type': request.contentType ?? 'application/json' }),
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        dispatcher: beforeSend === undefined ? dispatcher : looking(dispatcher, lastLook),
        signal,
        // The callers' signals bound the time.
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      // Unless others have asked again since.
      if (response.statusCode === 401 && this.#asked === asked) this.#asked = undefined;
      const retryAfter = response.headers['retry-after'];
      return {
        status: response.statusCode,
        retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined,
        body: rejecting(response.body, what, signal),
        text: () =>
          response.body.text().catch((error: unknown) => Promise.reject(unreachable(what, error, signal))),
      };
    } catch (error) {
      throw refusal === undefined ? unreachable(what, error, signal) : refusal.error;
    }
  }

  async close(): Promise<void> {
    await this.#current?.dispatcher.close();
  }

  #credentials(): { at: number; credentials: Promise<Credentials> } {
    const at = performance.now();
    if (this.#asked !== undefined && at - this.#asked.at < freshMs) return this.#asked;
    const asked = { at, credentials: this.#ask() };
    this.#asked = asked;
    asked.credentials.catch(() => {
      if (this.#asked === asked) this.#asked = undefined;
    });
    return asked;
  }

  async #ask(): Promise<Credentials> {
    const options: RequestOptions = {};
    await this.#kubeConfig.applyToHTTPSOptions(options);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim();
    if (options.auth) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;

    const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
    const tls = defined({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername });
    const route: Route = { proxy: this.#kubeConfig.getCurrentCluster()?.proxyUrl, tls };
    if (this.#current === undefined || !isDeepStrictEqual(this.#current.route, route)) {
      // Requests on the old connections, watches among them, end in their own time.
      void this.#current?.dispatcher.close();
      this.#current = { route, dispatcher: dispatcherFor(route) };
    }
    return { headers, dispatcher: this.#current.dispatcher };
  }
}

/** Less than the idle time after which load balancers drop a connection. */
const idleMs = 30_000;

/**
 * HTTP/2 would put every watch on one connection, whose death would then be everyone's. Connections stay open between
 * requests: undici's own 4 s would have nearly every change of a quiet cluster begin with a TLS handshake.
 */
function dispatcherFor({ proxy, tls }: Route): Dispatcher {
  const connect = { keepAlive: true, keepAliveInitialDelay: idleMs };
  const options = { allowH2: false, keepAliveTimeout: idleMs };
  if (proxy === undefined) return new Agent({ ...options, connect: { ...tls, ...connect } });
  if (!/^https?:/.test(proxy)) throw new Error(`proxy ${proxy}: only HTTP proxies are supported`);
  return new ProxyAgent({ ...options, uri: proxy, requestTls: tls, connect });
}

/**
 * Has `look` called for each request after a connection was found or made for it, which may take long. What happens
 * between that and the system call is one turn of the event loop.
 */
function looking(dispatcher: Dispatcher, look: () => void): Dispatcher {
  return dispatcher.compose(
    (dispatch) => (options, handler) => dispatch(options, new LookingHandler(handler, look)),
  );
}

class LookingHandler extends DecoratorHandler implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #look: () => void;

  constructor(handler: Dispatcher.DispatchHandler, look: () => void) {
    super(handler);
    this.#handler = handler;
    this.#look = look;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.#look();
    this.#handler.onRequestStart?.(controller, context);
  }
}

function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const copy = { ...options };
  for (const name in copy) if (copy[name] === undefined) delete copy[name];
  return copy;
}

function unreachable(what: string, error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (error instanceof ApiError) return error;
  const message = error instanceof Error ? error.message || error.name : String(error);
  return new ApiError({ status: 0, reason: 'Unreachable', message: `${what}: ${message}`, cause: error });
}

async function* rejecting(
  body: AsyncIterable<Uint8Array>,
  what: string,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw unreachable(what, error, signal);
  }
}

/** The lines of a stream without empty ones. A last line without its line feed was cut off and is dropped. */
export async function* lines(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: () => void = () => {},
): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    onChunk();
    const [first = '', ...others] = decoder.decode(chunk, { stream: true }).split('\n');
    rest += first;
    for (const other of others) {
      if (rest.trim() !== '') yield rest;
      rest = other;
    }
  }
}

export interface Deadline extends Disposable {
  /** Aborted with the outer signal's reason, or with an ApiError `Timeout` when time is up. */
  readonly signal: AbortSignal;
  /** Starts the time again. */
  readonly extend: () => void;
}

export function deadlineAfter(ms: number, what: string, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const onTime = (): void => {
    const message = `${what}: nothing came for ${ms / 1000} s`;
    controller.abort(new ApiError({ status: 0, reason: 'Timeout', message }));
  };
  const onOuter = (): void => controller.abort(outer?.reason);
  let timer = setTimeout(onTime, ms);
  if (outer?.aborted) onOuter();
  else outer?.addEventListener('abort', onOuter, { once: true });
  return {
    signal: controller.signal,
    extend: () => {
      clearTimeout(timer);
      timer = setTimeout(onTime, ms);
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onOuter);
    },
  };
}
