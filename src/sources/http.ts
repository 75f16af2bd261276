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

const defaultStallMs = 15_000;
const mostRedirects = 8;
const redirects = new Set([301, 302, 303, 307, 308]);

/** The address that redirects led to. */
interface Target {
  readonly url: URL;
  /** Whether no redirect has left the origin. */
  readonly mayHaveToken: boolean;
}

/**
 * An HTTP client that obeys HTTP_PROXY, HTTPS_PROXY and NO_PROXY, with as many connections to an origin as there are
 * requests at a time. HTTP/2 is off: its flow-control window caps a download (undici#4705).
 *
 * Where the redirects of a request for a range led to is remembered, so that the parts of a file cost the hub one
 * request and not one each. An address that is refused, as signed ones are when their time is over, is asked for anew,
 * once for all requests that wait for it.
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
  const known = new Map<string, Promise<Target | undefined>>();

  /** Follows the redirects; requests for the same address wait for where they lead to. */
  async function find(start: string, request: HttpRequest): Promise<HttpAnswer> {
    const found = Promise.withResolvers<Target | undefined>();
    known.set(start, found.promise);
    let target: Target | undefined;
    try {
      const followed = await follow(dispatcher, { url: new URL(start), mayHaveToken: true }, request);
      if (followed.answer.status < 400) target = followed.target;
      return followed.answer;
    } finally {
      if (target === undefined) known.delete(start);
      found.resolve(target);
    }
  }

  async function getPart(start: string, request: HttpRequest): Promise<HttpAnswer> {
    for (;;) {
      const pending = known.get(start);
      if (pending === undefined) return find(start, request);
      const target = await pending;
      request.signal?.throwIfAborted();
      if (target === undefined) continue;
      const forget = (): void => {
        if (known.get(start) === pending) known.delete(start);
      };
      const { answer } = await follow(dispatcher, target, request).catch((error: unknown) => {
        forget();
        throw error;
      });
      if (target.url.href === new URL(start).href || !mayBeExpired(answer.status)) return answer;
      forget();
      await answer.body.dump();
    }
  }

  return async (url, request = {}) => {
    if (request.headers?.['range'] !== undefined) return getPart(url, request);
    return (await follow(dispatcher, { url: new URL(url), mayHaveToken: true }, request)).answer;
  };
}

/** What storage says to a signed address of which the time is over, or that it has moved away from. */
function mayBeExpired(status: number): boolean {
  return status === 400 || status === 401 || status === 403 || status === 404 || status === 410;
}

async function follow(
  dispatcher: Dispatcher,
  start: Target,
  { headers, token, signal }: HttpRequest,
): Promise<{ answer: HttpAnswer; target: Target }> {
  let { url, mayHaveToken } = start;
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
    // Whoever reads a body meets its errors. One that is thrown away unread must not end the process.
    answer.body.on('error', () => {});
    const location = answer.headers['location'];
    if (!redirects.has(answer.statusCode) || typeof location !== 'string') {
      const { statusCode: status, headers, body } = answer;
      return { answer: { status, headers, body, origin: url.origin }, target: { url, mayHaveToken } };
    }
    await answer.body.dump();
    const next = new URL(location, url);
    mayHaveToken &&= next.origin === url.origin;
    url = next;
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
