import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import { fastify, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { ApiKeys } from './api-keys.ts';
import { authenticate } from './authentication.ts';
import { ApiError, apiErrorOf, errorBody, ollamaErrorBody, routeNotFound } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { jsonParser } from './json-body.ts';
import { endStalled } from './stalled-clients.ts';
import { refuseUnreadable } from './unreadable-requests.ts';
import { invalidRequest, validatorCompiler } from './validation.ts';

/** Bytes: a prompt that fills a context of 128k tokens, several times over. */
const bodyLimit = 8 * 1024 * 1024;

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

const requestIdHeader = 'x-request-id';

export type App = ReturnType<typeof createApp>;

/** A server without routes: API keys, where there are any, validation by zod, errors in the shape of the API that was asked, metrics and one log line for each answer. */
export function createApp(metrics: Metrics, log: Logger, keys?: ApiKeys, limits = usualLimits) {
  const app = fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit,
    // As long as a head may be.
    routerOptions: { maxParamLength: 16 * 1024 },
    frameworkErrors: (_error, request, reply) => {
      void refuse(reply, new ApiError(400, `The URL is not valid: ${request.url}`));
    },
    clientErrorHandler: refuseUnreadable,
    // The id that a gateway gave, or an own one: in the answer, and in every line of the log about it.
    requestIdHeader: false,
    genReqId: (request) => requestId(request.headers[requestIdHeader]),
    // Idle connections end with the server; those with an answer on its way end with the answer.
    forceCloseConnections: 'idle',
    requestTimeout: limits.request,
    keepAliveTimeout: limits.idle,
    http: {
      headersTimeout: limits.request,
      connectionsCheckingInterval: Math.min(30_000, limits.request / 2),
    },
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);

  // Ollama's clients, and everybody who tries its API with curl, send JSON under any name.
  const parseJson = jsonParser(app.getDefaultJsonParser('error', 'error'));
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson);
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body: string, done) => {
    if (isOllamas(request.url)) return parseJson(request, body, done);
    const sent = request.headers['content-type'] ?? 'none';
    done(
      new ApiError(
        415,
        `The body has to be JSON, with the header content-type: application/json; it was ${sent}.`,
      ),
    );
  });

  app.setErrorHandler((error, request, reply) => {
    const answer = error instanceof z.ZodError ? invalidRequest(error) : apiErrorOf(error);
    if (answer.status >= 500 && answer.code === null) {
      request.log.error({ err: error, url: request.url }, 'failed to answer');
    }
    return refuse(reply, answer);
  });
  app.setNotFoundHandler((request, reply) => refuse(reply, routeNotFound(request.method, request.url)));

  const stalled = endStalled(app.server, limits.stalled);
  app.addHook('onRequest', (request, reply, done) => {
    stalled.begun(request.raw.socket);
    reply.raw.once('close', () => stalled.ended(request.raw.socket));
    void reply.header(requestIdHeader, request.id);
    done();
  });
  if (keys) app.addHook('onRequest', (request) => authenticate(keys, request));
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unknown';
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

/** @param given what a client sent; only what is safe in a header and a log is kept */
function requestId(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && /^[\w.:/+=-]{1,128}$/.test(given) ? given : `req_${randomUUID()}`;
}

function refuse(reply: FastifyReply, answer: ReturnType<typeof apiErrorOf>) {
  if (answer.status === 401) void reply.header('www-authenticate', 'Bearer');
  if (answer.retryAfter !== undefined) void reply.header('retry-after', answer.retryAfter);
  const body = isOllamas(reply.request.routeOptions.url ?? reply.request.url)
    ? ollamaErrorBody(answer)
    : errorBody(answer);
  return reply.code(answer.status).send(body);
}

const isOllamas = (url: string) => url.startsWith('/api/');
