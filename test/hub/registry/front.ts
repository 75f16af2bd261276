/**
 * What clients of the registry see: docker-registry's own answers, but for blobs, which are at signed URLs on
 * another origin. Ollama takes them from nowhere else (ollama, `server/download.go`: the answer to a blob's URL
 * must have a Location).
 */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { answer, answerJson, startAnswer } from '../exchange.ts';
import type { Exchange, Headers } from '../exchange.ts';
import type { Guard } from './guard.ts';
import { manifestType } from './push.ts';

export type Front = {
  /** docker-registry itself. */
  storageUrl: string;
  /** Undefined where everybody may read. */
  guard: Guard | undefined;
  /** Answers manifests as sparsely as registry.ollama.ai does. */
  bare: boolean;
  /** Paths of the manifests that are for an Ollama to come. */
  newer: Set<string>;
  /** Where this client finds the registry. */
  url(request: IncomingMessage): string;
  signedUrl(request: IncomingMessage, digest: string): string;
};

export async function answerRegistry(front: Front, exchange: Exchange): Promise<void> {
  const { request, url } = exchange;
  const { guard } = front;
  if (guard !== undefined && url.pathname === '/v2/token') return await guard.answerToken(exchange);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(exchange, 405, 'UNSUPPORTED', 'The operation is unsupported.');
  const { name, kind, reference } = /^\/v2\/(?<name>.+)\/(?<kind>manifests|blobs)\/(?<reference>[^/]+)$/.exec(
    decodeURIComponent(url.pathname),
  )?.groups ?? { name: '-' };
  if (guard !== undefined && !guard.admits(request)) {
    const headers = { 'WWW-Authenticate': guard.challenge(front.url(request), name ?? '-') };
    return refuse(exchange, 401, 'UNAUTHORIZED', 'authentication required', headers);
  }
  if (front.newer.has(url.pathname)) return answer(exchange, 412, textType, needsNewer);
  if (front.bare && kind === 'manifests') return await answerBare(front, exchange);
  if (kind === 'blobs' && reference !== undefined && (await has(front, url))) {
    const location = front.signedUrl(request, reference);
    const headers = { 'Content-Type': 'text/html; charset=utf-8', Location: location };
    return answer(exchange, 307, headers, `<a href="${location}">Temporary Redirect</a>.\n\n`);
  }
  await forward(exchange, await ask(front, exchange));
}

async function has(front: Front, { pathname }: URL): Promise<boolean> {
  return (await fetch(front.storageUrl + pathname, { method: 'HEAD' })).ok;
}

/** With the client's own headers, as what docker-registry answers depends on Accept: fetch would add one. */
async function ask(front: Front, { request, url }: Exchange): Promise<IncomingMessage> {
  const { method, headers } = request;
  const asked = httpRequest(front.storageUrl + url.pathname + url.search, { method, headers });
  asked.end();
  const [reply] = (await once(asked, 'response')) as [IncomingMessage];
  return reply;
}

async function forward(exchange: Exchange, reply: IncomingMessage): Promise<void> {
  startAnswer(exchange, reply.statusCode ?? 502, reply.headers as Headers);
  await pipeline(reply, exchange.response);
}

/** ollama#6470 and oras-go#882: plain text of no announced length, no digest, and no HEAD. */
async function answerBare(front: Front, exchange: Exchange): Promise<void> {
  if (exchange.request.method === 'HEAD') return answer(exchange, 405, textType);
  exchange.request.headers.accept = manifestType;
  const reply = await ask(front, exchange);
  if (reply.statusCode !== 200) return await forward(exchange, reply);
  startAnswer(exchange, 200, textType);
  exchange.response.end(await text(reply));
}

const textType: Headers = { 'Content-Type': 'text/plain; charset=utf-8' };

/** ollama#14876 */
const needsNewer =
  '\nThe model you are attempting to pull requires a newer version of Ollama.\n\nPlease download the latest version at:\n\n\thttps://ollama.com/download\n';

/** https://distribution.github.io/distribution/spec/api/#errors */
export function refuse(
  exchange: Exchange,
  status: number,
  code: string,
  message: string,
  headers: Headers = {},
): void {
  answerJson(exchange, status, { errors: [{ code, message, detail: null }] }, headers);
}
