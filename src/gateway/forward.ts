import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Agent, errors, type Dispatcher } from 'undici';
import type { ModelServer } from '../api/modelserver.ts';
import type { Live } from '../kube/kind.ts';
import type { Admission } from './admission.ts';
import type { Metrics } from './metrics.ts';
import { Refusal } from '../http-server/refusal.ts';
import type { Replicas, Taken } from './replicas.ts';

/** Milliseconds. */
export interface ForwardLimits {
  /** For a whole request, from its body to the end of its answer. */
  request: number;
  /** Without a byte of the answer, its beginning included: a long prompt is computed before the first. */
  idle: number;
  /** Until a replica takes a connection. */
  connect: number;
}

export interface ForwardOptions {
  replicas: Replicas;
  admission: Admission;
  metrics: Metrics;
  limits: ForwardLimits;
}

export interface Forwarded {
  servers: readonly Live<ModelServer>[];
  /** As the runtime has it, e.g. `/v1/chat/completions`. */
  path: string;
  /** The body for a server. */
  bodyFor: (server: Live<ModelServer>) => string;
}

/** Replicas that one request is sent to at most. */
const mostTries = 3;

/** Of a client's request, what the runtime reads. */
const passedOn = ['accept', 'user-agent', 'traceparent', 'tracestate'] as const;

/** Of an answer, what belongs to one connection (RFC 9110, 7.6.1), and what the gateway says itself. */
const notPassedBack = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'trailer',
  'x-request-id',
]);

/**
 * Sends requests to replicas, and their answers back as they come: a chunk is passed on when it is there, and none is
 * asked for while the client does not read.
 *
 * Another replica is tried only while nothing of an answer was passed on, and only when the one before did not begin: it
 * took no connection, or it says that it takes no request now (429, 503). One that broke off may have been brought down
 * by the request itself, which would then go on to the next.
 */
export class Forwarder {
  readonly #options: ForwardOptions;
  readonly #agent: Agent;

  constructor(options: ForwardOptions) {
    const { idle, connect } = options.limits;
    this.#options = options;
    this.#agent = new Agent({
      connect: { timeout: connect },
      headersTimeout: idle,
      bodyTimeout: idle,
      // Each stream has a connection of its own, and there may be as many as the gateway lets in.
      pipelining: 1,
    });
  }

  /** @throws Refusal as long as nothing was answered */
  async forward(
    request: FastifyRequest,
    reply: FastifyReply,
    forwarded: Forwarded,
  ): Promise<FastifyReply | undefined> {
    const { replicas, metrics, admission, limits } = this.#options;
    const timer = setTimeout(() => admission.end(request, tookTooLong), limits.request);
    reply.raw.once('close', () => clearTimeout(timer));
    const tried = new Set<string>();
    for (;;) {
      const taken = replicas.take(forwarded.servers, tried);
      if (!taken) throw noReplica(tried.size);
      tried.add(taken.uid);
      metrics.sent(taken.server);
      const answer = await this.#ask(request, taken, forwarded);
      const isLast =
        tried.size >= mostTries || replicas.ready(forwarded.servers).every(({ uid }) => tried.has(uid));
      if (answer instanceof Refusal || (isDeclined(answer.statusCode) && !isLast)) {
        taken.release();
        if (answer instanceof Refusal) taken.avoid();
        else await answer.body.dump();
        if (isLast) throw noReplica(tried.size);
        metrics.retried(taken.server);
        continue;
      }
      return this.#answer(reply, taken, answer);
    }
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  /** The answer, or a Refusal when the replica took no connection. @throws Refusal when it broke off, or nobody waits. */
  async #ask(
    request: FastifyRequest,
    taken: Taken,
    { path, bodyFor }: Forwarded,
  ): Promise<Dispatcher.ResponseData | Refusal> {
    const signal = this.#options.admission.signalOf(request);
    try {
      return await this.#agent.request({
        origin: taken.origin,
        path,
        method: 'POST',
        headers: headersFor(request, taken.server),
        body: bodyFor(taken.server),
        signal,
      });
    } catch (error) {
      if (!signal.aborted && tookNoConnection(error)) return noReplica(1, error);
      taken.release();
      if (signal.aborted) throw signal.reason;
      throw brokeOff(error, taken);
    }
  }

  #answer(
    reply: FastifyReply,
    taken: Taken,
    { statusCode, headers, body }: Dispatcher.ResponseData,
  ): FastifyReply {
    this.#options.metrics.begun(taken.server, reply.elapsedTime / 1000);
    body.once('close', () => taken.release());
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && !notPassedBack.has(name)) void reply.header(name, value);
    }
    void reply.code(statusCode).send(body);
    // A client may wait for the head alone, and the first byte may be a minute away.
    reply.raw.flushHeaders();
    return reply;
  }
}

const tookTooLong = new Refusal(504, 'The answer took longer than a request may take here.', {
  code: 'timeout',
});

/** The caller's own authorization goes to a server that asks for one, and to no other. */
function headersFor({ headers, id }: FastifyRequest, { spec }: ModelServer): IncomingHttpHeaders {
  const passed = passedOn.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]));
  return {
    ...(Object.fromEntries(passed) as IncomingHttpHeaders),
    'content-type': 'application/json',
    'x-request-id': id,
    ...(spec.auth && headers.authorization !== undefined && { authorization: headers.authorization }),
  };
}

const isDeclined = (status: number): boolean => status === 429 || status === 503;

/** Nothing of the request can have been read. */
function tookNoConnection(error: unknown): boolean {
  if (error instanceof errors.ConnectTimeoutError) return true;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'EADDRNOTAVAIL'].includes(String(code));
}

function noReplica(tries: number, cause?: unknown): Refusal {
  return new Refusal(
    503,
    tries === 0
      ? 'No replica of the model is ready. Try again in a moment.'
      : `No replica of the model took the request; ${tries} were tried. Try again in a moment.`,
    { code: 'no_replica', retryAfter: 1, cause },
  );
}

function brokeOff(error: unknown, { server, origin }: Taken): Refusal {
  const { namespace, name } = server.metadata;
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return new Refusal(504, `A replica of ModelServer ${namespace}/${name} did not answer in time.`, {
      code: 'timeout',
      cause: error,
    });
  }
  return new Refusal(
    502,
    `A replica of ModelServer ${namespace}/${name} (${origin}) broke off before it answered. The request was not sent to another: it may be what brought the replica down.`,
    { code: 'replica_failed', cause: error },
  );
}
