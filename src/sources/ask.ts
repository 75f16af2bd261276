import type { HttpAnswer, HttpGet, HttpRequest } from './http/http.ts';
import { noAnswer } from './http/no-answer.ts';
import { restSeconds, type Patience } from './http/retry.ts';
import { SourceError, type ByteRange } from './source.ts';

/** What every source is made with. */
export interface SourceOptions {
  readonly get: HttpGet;
  /** From `tokenFor`: one that the endpoint may have. */
  readonly token?: string | undefined;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
}

/** A hub or a registry, and how it is asked. */
export interface Endpoint {
  /** Without a slash at its end. */
  readonly url: string;
  readonly get: HttpGet;
  readonly token?: string | undefined;
  /** In place of a token: see `HttpRequest`. */
  readonly authorization?: string | undefined;
}

/**
 * Answers a GET of whatever status. Only the endpoint's own origin gets the token, wherever an address came from.
 * @throws SourceError SourceUnreachable when there is no answer.
 */
export async function ask(
  { url: endpoint, get, token, authorization }: Endpoint,
  url: string,
  request: HttpRequest,
): Promise<HttpAnswer> {
  const mayHaveToken = new URL(url).origin === new URL(endpoint).origin;
  try {
    return await get(url, mayHaveToken ? { ...request, token, authorization } : request);
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    throw unreachable(endpoint, cause);
  }
}

/** A small answer as a whole; what is longer than `most` bytes is cut off there. */
export async function readBody(
  endpoint: string,
  { body }: HttpAnswer,
  most: number,
  signal?: AbortSignal,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.byteLength;
      if (length >= most) break;
    }
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreachable(endpoint, cause);
  }
  return Buffer.concat(chunks).subarray(0, most);
}

/** What a small answer says, if it is JSON. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

export function unreachable(endpoint: string, cause: unknown): SourceError {
  const { reason, message } = noAnswer(endpoint, cause);
  return new SourceError(reason, message, { cause });
}

/** An endpoint as messages and addresses have it. */
export function withoutSlash(endpoint: string): string {
  return endpoint.replace(/\/+$/, '');
}

export function rangeHeaders(range: ByteRange | undefined): Record<string, string> {
  if (range === undefined) return {};
  return { range: `bytes=${range.start}-${range.end ?? ''}` };
}

/**
 * What a refusal means that does not depend on what is served: one of the storage behind an endpoint, a request for
 * rest, a server error. Undefined for any other.
 * @param what What was asked for, for the message.
 * @param quoted What the endpoint itself says, as a sentence, or nothing.
 */
export function commonRefusal(
  { status, headers, origin }: Pick<HttpAnswer, 'status' | 'headers' | 'origin'>,
  endpoint: string,
  what: string,
  quoted: string,
): SourceError | undefined {
  const wait = restSeconds(headers);
  const more = { status, ...(wait !== undefined && { retryAfterSeconds: wait }) };
  const rest = wait === undefined ? '' : `, and for ${wait} s of rest`;
  if (origin !== new URL(endpoint).origin) {
    const storage = `The storage ${origin} that ${endpoint} redirects to`;
    return status === 429
      ? new SourceError('RateLimited', `${storage} asks for fewer requests (429)${rest}.`, more)
      : new SourceError('SourceUnreachable', `${storage} answered ${status} for ${what}.`, more);
  }
  if (status === 429) {
    return new SourceError(
      'RateLimited',
      `${endpoint} asks for fewer requests (429)${rest}. A token in spec.credentials usually raises the limit.`,
      more,
    );
  }
  if (status >= 500 || status === 408) {
    return new SourceError('SourceUnreachable', `${endpoint} answered ${status} for ${what}.${quoted}`, more);
  }
  return undefined;
}
