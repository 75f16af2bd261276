import type { Dispatcher } from 'undici';
import { createSend, type ConnectionOptions } from './connections.ts';
import { expiryOf } from './signed-url.ts';

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
  /** In place of a token, the whole header of another scheme. It goes where a token would. */
  readonly authorization?: string | undefined;
  /** Makes it a POST of this form, which may be a secret: no redirect is followed with it. */
  readonly form?: URLSearchParams | undefined;
  /** Asks for the head of the answer alone. */
  readonly head?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Answers a GET, or what the request makes of it, after following redirects. Fails with NoAnswerError, or with the reason of its signal. */
export type HttpGet = (url: string, request?: HttpRequest) => Promise<HttpAnswer>;

export interface HttpOptions extends Partial<ConnectionOptions> {
  /** What a person is told when a certificate is not trusted. */
  readonly hint?: string | undefined;
  /** Monotonic, in milliseconds. */
  readonly now?: () => number;
}

/** Nobody answered, and of whom that is true: after redirects not the one who was asked first. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly origin: string;
  readonly hint: string | undefined;

  constructor(origin: string, hint: string | undefined, options: ErrorOptions) {
    super(`no answer from ${origin}`, options);
    this.origin = origin;
    this.hint = hint;
  }
}

/** A redirect that is not followed. The message goes on after who redirects. */
export class RedirectError extends Error {
  override readonly name = 'RedirectError';
}

const defaultStallMs = 15_000;
const mostRedirects = 8;
const redirects = new Set([301, 302, 303, 307, 308]);
/** A request that was refused so often at addresses that were new is refused. */
const mostRenewals = 3;
/** So long before the end of its time a signed address is no longer used: a request needs time to arrive. */
const renewalMs = 30_000;

/** The address that redirects led to. */
interface Target {
  readonly url: URL;
  /** Whether no redirect has left the origin. */
  readonly mayHaveToken: boolean;
  /** By `now`; undefined for an address that is good for ever, as far as it says. */
  readonly renewAt: number | undefined;
}

/**
 * An HTTP client with as many connections to an origin as there are requests at a time, through a proxy where one is set.
 *
 * Where the redirects of a request for a range led to is remembered, so that the parts of a file cost the hub one
 * request and not one each. A signed address is asked for anew a little before its time is over, and one that is refused
 * at once, once for all requests that wait for it.
 */
export function createHttpGet({
  stallMs = defaultStallMs,
  hint,
  now = () => performance.now(),
  ...connections
}: HttpOptions = {}): HttpGet {
  const send = createSend({ ...connections, stallMs });
  const known = new Map<string, Promise<Target | undefined>>();

  async function follow(
    start: Target,
    request: HttpRequest,
  ): Promise<{ answer: HttpAnswer; target: Target }> {
    let target = start;
    for (let hop = 0; hop <= mostRedirects; hop++) {
      const { url } = target;
      const { statusCode: status, headers, body } = await ask(target, request);
      const location = headers['location'];
      if (!redirects.has(status) || typeof location !== 'string' || request.form !== undefined) {
        return { answer: { status, headers, body, origin: url.origin }, target };
      }
      await body.dump();
      const next = nextHop(url, location);
      const lifetime = lifetimeMs(next, headers);
      target = {
        url: next,
        mayHaveToken: target.mayHaveToken && next.origin === url.origin,
        renewAt: lifetime === undefined ? undefined : now() + lifetime - Math.min(renewalMs, lifetime / 4),
      };
    }
    throw refused(target.url, `redirects more than ${mostRedirects} times`);
  }

  async function ask(
    { url, mayHaveToken }: Target,
    { headers, token, authorization = token && `Bearer ${token}`, form, head, signal }: HttpRequest,
  ) {
    const all = {
      'accept-encoding': 'identity',
      'user-agent': 'longshore',
      ...(form !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...headers,
      ...(authorization !== undefined && mayHaveToken ? { authorization } : {}),
    };
    try {
      const answer = await send(url, { headers: all, signal: signal ?? null, body: form?.toString(), head });
      // Whoever reads a body meets its errors. One that is thrown away unread must not end the process.
      answer.body.on('error', () => {});
      return answer;
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw new NoAnswerError(url.origin, hint, { cause });
    }
  }

  const begin = (url: string): Target => ({ url: new URL(url), mayHaveToken: true, renewAt: undefined });

  /** Follows the redirects; requests for the same address wait for where they lead to. */
  async function find(start: string, request: HttpRequest): Promise<HttpAnswer> {
    const found = Promise.withResolvers<Target | undefined>();
    known.set(start, found.promise);
    let target: Target | undefined;
    try {
      const followed = await follow(begin(start), request);
      if (followed.answer.status < 400) target = followed.target;
      return followed.answer;
    } finally {
      if (target === undefined) known.delete(start);
      found.resolve(target);
    }
  }

  async function getPart(start: string, request: HttpRequest): Promise<HttpAnswer> {
    for (let refusals = 0; ;) {
      const pending = known.get(start);
      if (pending === undefined) return find(start, request);
      const target = await pending;
      request.signal?.throwIfAborted();
      if (target === undefined) continue;
      const forget = (): void => {
        if (known.get(start) === pending) known.delete(start);
      };
      if (target.renewAt !== undefined && now() >= target.renewAt) {
        forget();
        continue;
      }
      const { answer } = await follow(target, request).catch((error: unknown) => {
        forget();
        throw error;
      });
      if (target.url.href === new URL(start).href || !mayBeExpired(answer.status)) return answer;
      forget();
      refusals += 1;
      if (refusals > mostRenewals) return answer;
      await answer.body.dump();
    }
  }

  return async (url, request = {}) => {
    if (request.headers?.['range'] !== undefined) return getPart(url, request);
    return (await follow(begin(url), request)).answer;
  };
}

/** What storage says to a signed address of which the time is over, or that it has moved away from. */
function mayBeExpired(status: number): boolean {
  return status === 400 || status === 401 || status === 403 || status === 404 || status === 410;
}

/** What was asked for over https never comes in clear text, in which anybody on the way could read and change it. */
function nextHop(from: URL, location: string): URL {
  const next = URL.parse(location, from.href);
  if (next === null || !/^https?:$/.test(next.protocol))
    throw refused(from, 'redirects to what is no web address');
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw refused(from, `redirects from https to http (${next.origin}), which is not followed`);
  }
  return next;
}

function refused(url: URL, why: string): NoAnswerError {
  return new NoAnswerError(url.origin, undefined, { cause: new RedirectError(why) });
}

/**
 * For how long a signed address is good, by the clock of who signed it where that is told; undefined when it is not
 * signed, or when its time is over already: then clocks differ, and only a refusal tells.
 */
function lifetimeMs(url: URL, headers: HttpHeaders): number | undefined {
  const expiry = expiryOf(url);
  if (expiry === undefined) return undefined;
  const sent = Date.parse(header(headers, 'date') ?? '');
  const lifetime = expiry - (Number.isNaN(sent) ? Date.now() : sent);
  return lifetime > 0 ? lifetime : undefined;
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
