/** One request and its answer, and the errors of the hub as it words them. */
import type { IncomingMessage, ServerResponse } from 'node:http';

export type OriginName = 'hub' | 'cdn' | 'registry' | 'blobs' | 'files';

/** What a server saw and answered; pushed on arrival, `status` set when the answer's head is written. */
export type RecordedRequest = {
  origin: OriginName;
  method: string;
  /** With the query. */
  path: string;
  authorization?: string;
  range?: string;
  /** 0 until answered. */
  status: number;
  /** Of content; grows while it is sent. */
  sentBytes: number;
};

export type Exchange = {
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  record: RecordedRequest;
};

export type Headers = Record<string, string | number>;

export function startAnswer({ response, record }: Exchange, status: number, headers: Headers): void {
  record.status = status;
  response.writeHead(status, headers);
}

/** A whole answer; a HEAD request gets the head alone. */
export function answer(exchange: Exchange, status: number, headers: Headers, body = ''): void {
  startAnswer(exchange, status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
  exchange.response.end(exchange.request.method === 'HEAD' ? undefined : body);
}

export function answerJson(exchange: Exchange, status: number, value: unknown, headers: Headers = {}): void {
  const type = { 'Content-Type': 'application/json; charset=utf-8' };
  answer(exchange, status, { ...type, ...headers }, JSON.stringify(value));
}

export type ErrorCode = 'GatedRepo' | 'RepoNotFound' | 'RevisionNotFound' | 'EntryNotFound';

/**
 * An answer that says no. Codes and messages are those huggingface_hub tells apart in `utils/_http.py`
 * (`hf_raise_for_status`) and shows in `errors.py`.
 */
export class HubRefusal extends Error {
  readonly status: number;
  readonly code: ErrorCode | undefined;
  readonly headers: Headers;

  constructor(status: number, message: string, code?: ErrorCode, headers: Headers = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

const authenticate = { 'WWW-Authenticate': 'Bearer realm="Authentication required", charset="UTF-8"' };

export const refusals = {
  badToken: () => new HubRefusal(401, 'Invalid credentials in Authorization header', undefined, authenticate),
  noToken: () => new HubRefusal(401, 'Invalid username or password.', undefined, authenticate),
  /** The hub does not tell strangers whether a repository exists: without a token it is 401 and has no code. */
  repoNotFound: (authenticated: boolean) =>
    authenticated ? new HubRefusal(404, 'Repository not found', 'RepoNotFound') : refusals.noToken(),
  gatedForStrangers: (repo: string) =>
    new HubRefusal(
      401,
      `Access to model ${repo} is restricted. You must have access to it and be authenticated to access it. Please log in.`,
      'GatedRepo',
    ),
  gatedForToken: (repo: string, hub: string) =>
    new HubRefusal(
      403,
      `Access to model ${repo} is restricted and you are not in the authorized list. Visit ${hub}/${repo} to ask for access.`,
      'GatedRepo',
    ),
  revisionNotFound: (revision: string) =>
    new HubRefusal(404, `Invalid rev id: ${revision}`, 'RevisionNotFound'),
  entryNotFound: () => new HubRefusal(404, 'Entry not found', 'EntryNotFound'),
  noSuchPage: () => new HubRefusal(404, "Sorry, we can't find the page you are looking for."),
  badRequest: (message: string) => new HubRefusal(400, message),
  tooManyRequests: (seconds: number) =>
    new HubRefusal(429, 'We had to rate limit you.', undefined, {
      RateLimit: `"resolvers";r=0;t=${seconds}`,
      'RateLimit-Policy': '"fixed window";"resolvers";q=3000;w=300',
    }),
} as const;

export function answerRefusal(exchange: Exchange, refusal: HubRefusal): void {
  const code: Headers = refusal.code === undefined ? {} : { 'X-Error-Code': refusal.code };
  const message = { 'X-Error-Message': refusal.message.replaceAll(/[^ -~]/g, '?') };
  answerJson(
    exchange,
    refusal.status,
    { error: refusal.message },
    { ...code, ...message, ...refusal.headers },
  );
}
