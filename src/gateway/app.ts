import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { FastifyReply } from 'fastify';
import { fastify, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { AccessKeys } from './access.ts';
import type { Admission } from './admission.ts';
import { authorize, open } from './authorization.ts';
import type { Certificate } from './certificate.ts';
import { readJsonBodies } from './json-body.ts';
import type { Metrics } from './metrics.ts';
import { bodyOf, Refusal, refusalOf } from './refusal.ts';

/** Bytes: what a server takes too. */
export const bodyLimit = 8 * 1024 * 1024;

/** Milliseconds. */
export interface ClientLimits {
  /** That a request may take to be sent, head and body. */
  request: number;
  /** That a connection is kept without a request. */
  keepAlive: number;
  /** That nothing may move on a connection; longer than a replica may keep a client waiting. */
  stalled: number;
}

export interface AppOptions {
  metrics: Metrics;
  log: Logger;
  admission: Admission;
  limits: ClientLimits;
  /** Absent: everybody may ask. */
  keys?: AccessKeys | undefined;
  /** Absent: plain HTTP. */
  certificate?: Certificate | undefined;
}

export type App = ReturnType<typeof createApp>;

const requestIdHeader = 'x-request-id';

/**
 * A server without routes but /healthz: API keys, where there are any, errors in the shape of the API that was asked,
 * limits, metrics and one log line for each answer.
 */
export function createApp({ metrics, log, admission, limits, keys, certificate }: AppOptions) {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers[requestIdHeader]),
    // Idle connections end with the server; those with an answer on its way end with the answer.
    forceCloseConnections: 'idle',
    serverFactory: (answer) => listenerOf(answer, limits, certificate),
  });
  readJsonBodies(app);

  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error);
    if (refusal.code === null) request.log.error({ err: error, url: request.url }, 'failed to answer');
    else if (refusal.cause !== undefined) request.log.warn({ err: refusal.cause }, refusal.message);
    return refuse(reply, refusal);
  });
  app.setNotFoundHandler((request, reply) => refuse(reply, routeNotFound(request.method, request.url)));

  app.addHook('onRequest', (request, reply, done) => {
    void reply.header(requestIdHeader, request.id);
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) metrics.gaveUp(routeOf(reply));
    });
    done();
  });
  if (keys) app.addHook('onRequest', (request) => authorize(keys, request));
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.access !== 'open') admission.admit(request, reply);
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = routeOf(reply);
    metrics.answered(route, reply.statusCode, reply.elapsedTime / 1000);
    request.log[/^\/(v1|api)\//.test(route) ? 'info' : 'debug'](
      {
        method: request.method,
        route,
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime),
      },
      'answered',
    );
    done();
  });
  app.get('/healthz', { config: open }, () => ({ status: 'alive', access: keys ? 'keys' : 'open' }));
  return app;
}

/** All time limits of connections stand here: Fastify sets none on a server that it did not make. */
function listenerOf(
  answer: Parameters<typeof createHttpServer>[1] & {},
  { request, keepAlive, stalled }: ClientLimits,
  certificate: Certificate | undefined,
): Server {
  const options = {
    requestTimeout: request,
    headersTimeout: request,
    keepAliveTimeout: keepAlive,
    connectionsCheckingInterval: Math.min(30_000, request / 2),
  };
  const server = certificate
    ? createHttpsServer({ ...options, ...certificate }, answer)
    : createHttpServer(options, answer);
  server.setTimeout(stalled);
  return server;
}

/** As the router has it: a URL of a client's choice would make a metric of its own. */
function routeOf({ request }: FastifyReply): string {
  return request.routeOptions.url ?? 'unknown';
}

/** @param given what a client sent; only what is safe in a header and a log is kept */
function requestId(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:/+=-]{1,128}$/.test(given) ? given : `req_${randomUUID()}`;
}

function refuse(reply: FastifyReply, refusal: Refusal) {
  if (refusal.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (refusal.retryAfter !== undefined) void reply.header('retry-after', refusal.retryAfter);
  return reply
    .code(refusal.status)
    .send(bodyOf(refusal, reply.request.routeOptions.url ?? reply.request.url));
}

function routeNotFound(method: string, url: string): Refusal {
  return new Refusal(
    404,
    `Unknown request URL: ${method} ${url}. There are /v1/models, /v1/chat/completions, /v1/completions, /v1/responses, /v1/embeddings and /v1/rerank, and of Ollama's API /api/chat, /api/generate, /api/embed, /api/embeddings, /api/show, /api/tags and /api/version.`,
    { code: 'unknown_url' },
  );
}
