import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { FastifyHttpOptions, FastifyReply } from 'fastify';
import { fastify, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { z } from 'zod';
import { readJsonBodies } from './json-body.ts';
import { bodyOf, Refusal } from './refusal.ts';
import type { RequestMetrics } from './request-metrics.ts';
import { endStalled } from './stalled-clients.ts';
import { refuseUnreadable } from './unreadable-requests.ts';
import { invalidRequest, validatorCompiler } from './validation.ts';

/** Bytes: a prompt that fills a context of 128k tokens, several times over. */
export const bodyLimit = 8 * 1024 * 1024;

/** Milliseconds. */
export interface Limits {
  /** That a request may take to be sent, head and body. */
  request: number;
  /** That a connection is kept without a request. */
  idle: number;
  /** That nothing may move on a connection, unless it is the client who waits. */
  stalled: number;
}

/** The largest body comes over 1 Mbit/s. */
const usualLimits: Limits = { request: 120_000, idle: 72_000, stalled: 90_000 };

/** In PEM: the chain, and its key. */
export interface Certificate {
  cert: string;
  key: string;
}

export interface AppOptions {
  log: Logger;
  metrics: Pick<RequestMetrics, 'answered'>;
  /** What a client is told of whatever was thrown. */
  refusalOf: (error: unknown) => Refusal;
  /** What there is, for who asks for something else: sentences. */
  whatThereIs: string;
  limits?: Limits | undefined;
  /** Absent: plain HTTP. */
  certificate?: Certificate | undefined;
  /** Gets each body as it came. */
  keepBody?: Parameters<typeof readJsonBodies>[1];
}

export type App = ReturnType<typeof createApp>;

const requestIdHeader = 'x-request-id';

/** A server without routes: validation by zod, errors in the shape of the API that was asked, limits, metrics and one log line for each answer. */
export function createApp(options: AppOptions) {
  const { log, metrics, refusalOf, whatThereIs, limits = usualLimits, certificate, keepBody } = options;
  const http = {
    headersTimeout: limits.request,
    connectionsCheckingInterval: Math.min(30_000, limits.request / 2),
  };
  const settings = {
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    // As long as a head may be.
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: (_error, request, reply) => {
      void refuse(reply, new Refusal(400, `The URL is not valid: ${request.url}`));
    },
    clientErrorHandler: refuseUnreadable,
    // The id that a gateway gave, or an own one: in the answer, and in every line of the log about it.
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers[requestIdHeader]),
    // Idle connections end with the server; those with an answer on its way end with the answer.
    forceCloseConnections: 'idle',
    requestTimeout: limits.request,
    keepAliveTimeout: limits.idle,
    ...(certificate ? { https: { ...http, ...certificate } } : { http }),
  } satisfies FastifyHttpOptions<Server, Logger>;
  const app = fastify(settings as FastifyHttpOptions<Server, Logger>).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  readJsonBodies(app, keepBody);

  app.setErrorHandler((error, request, reply) => {
    const refusal = error instanceof z.ZodError ? invalidRequest(error) : refusalOf(error);
    const { status, code, cause, message } = refusal;
    if (status >= 500 && code === null)
      request.log.error({ err: error, url: request.url }, 'failed to answer');
    else if (status >= 500 && cause !== undefined) request.log.warn({ err: cause }, message);
    return refuse(reply, refusal);
  });
  app.setNotFoundHandler(({ method, url }, reply) => {
    const message = `Unknown request URL: ${method} ${url}. ${whatThereIs} /openapi.json describes them.`;
    return refuse(reply, new Refusal(404, message, { code: 'unknown_url' }));
  });

  const stalled = endStalled(app.server, limits.stalled);
  app.addHook('onRequest', (request, reply, done) => {
    stalled.begun(request.raw.socket);
    reply.raw.once('close', () => stalled.ended(request.raw.socket));
    void reply.header(requestIdHeader, request.id);
    done();
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
  return app;
}

/** As the router has it: a URL of a client's choice would make a metric of its own. */
export function routeOf({ request }: FastifyReply): string {
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
