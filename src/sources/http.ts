import { EnvHttpProxyAgent, request, type Dispatcher } from 'undici';

export type HttpHeaders = Dispatcher.ResponseData['headers'];

export interface HttpAnswer {
  readonly status: number;
  readonly headers: HttpHeaders;
  /** Must be read to its end, dumped or destroyed. */
  readonly body: Dispatcher.ResponseData['body'];
  /** Of the last hop, e.g. that of a content delivery network. */
  readonly origin: string;
}

export interface HttpRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of the address, and no longer after a redirect has left it. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Answers a GET after following redirects. Fails with undici's errors when there is no answer. */
export type HttpGet = (url: string, request?: HttpRequest) => Promise<HttpAnswer>;

export interface HttpOptions {
  /** Milliseconds without a byte, of the headers or the body, after which a connection counts as dead. */
  readonly stallMs?: number;
}

const defaultStallMs = 20_000;
const mostRedirects = 8;
const redirects = new Set([301, 302, 303, 307, 308]);

/**
 * An HTTP client that obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY. HTTP/2 is off: its flow-control window caps a
 * download (undici#4705).
 */
export function createHttpGet({ stallMs = defaultStallMs }: HttpOptions = {}): HttpGet {
  const dispatcher = new EnvHttpProxyAgent({
    allowH2: false,
    pipelining: 1,
    headersTimeout: stallMs,
    bodyTimeout: stallMs,
    connectTimeout: Math.min(stallMs, 10_000),
    autoSelectFamily: true,
  });
  return (url, options) => follow(dispatcher, new URL(url), options);
}

async function follow(
  dispatcher: Dispatcher,
  start: URL,
  { headers, token, signal }: HttpRequest = {},
): Promise<HttpAnswer> {
  let url = start;
  let mayHaveToken = true;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const answer = await request(url, {
      dispatcher,
      signal: signal ?? null,
      headers: {
        'accept-encoding': 'identity',
        'user-agent': 'longshore',
        ...headers,
        ...(token !== undefined && mayHaveToken ? { authorization: `Bearer ${token}` } : {}),
      },
    });
    const location = answer.headers['location'];
    if (!redirects.has(answer.statusCode) || typeof location !== 'string') {
      return { status: answer.statusCode, headers: answer.headers, body: answer.body, origin: url.origin };
    }
    await answer.body.dump();
    url = new URL(location, url);
    mayHaveToken &&= url.origin === start.origin;
  }
  throw new Error(`more than ${mostRedirects} redirects`);
}

/** A header that is sent at most once. */
export function header(headers: HttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Names an error of the network without its address, which may carry a signature. */
export function networkProblem(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return code === undefined ? error.message : `${error.message || 'connection failed'} (${code})`;
}
