import { randomUUID } from 'node:crypto';
import type { FastifyReply } from 'fastify';
import type { SamplingFields } from '../../protocols/openai/sampling.ts';
import type { Engine, GenerationRequest, Waiting } from '../engine.ts';
import { Refusal } from '../../http-server/refusal.ts';
import { modelNotFound, stillLoading } from '../errors.ts';
import type { Metrics } from '../metrics.ts';
import type { RuntimeState } from '../state.ts';
import { samplingOf } from './sampling.ts';

/** Where a route answers from. */
export interface Serving {
  state: RuntimeState;
  metrics: Metrics;
}

/** What every answer and chunk of one request begins with. */
export interface Heading {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
}

/** @param prefix what ids of this kind begin with */
export function headingOf(prefix: string, model: string): Heading {
  return { id: newId(prefix), created: Math.floor(Date.now() / 1000), model };
}

export const newId = (prefix: string) => `${prefix}${randomUUID().replaceAll('-', '')}`;

/** What answers a request, and the name that it answers by: that of the model, or of an adapter of it. */
export interface Served {
  engine: Engine;
  name: string;
}

/** @throws Refusal while the model loads, and for a model that is not served */
export function servedFor({ state }: Serving, model: string | null | undefined): Served {
  const { servedName, names, adapterNames, adapters, load } = state;
  if (model && !namesOf(state).includes(model)) throw modelNotFound(model, [servedName, ...adapterNames]);
  const isOwn = !model || names.includes(model);
  const engine = isOwn ? state.engine : adapters.get(model);
  if (!engine) throw stillLoading(load.percent);
  return { engine, name: isOwn ? servedName : model };
}

/** What clients may send as `model`. */
export const namesOf = ({ names, adapterNames }: RuntimeState): string[] => [...names, ...adapterNames];

/** A request gives up its place when its client goes away, and when the server may wait no longer. */
export function waitingOf({ state, metrics }: Serving, reply: FastifyReply): Waiting {
  return {
    signal: AbortSignal.any([clientGone(reply, metrics), state.lastCall.signal]),
    client: reply.request.ip,
  };
}

/** What a body says that generation is to do; maximum and prompt are said in different fields. */
export function generationOf(
  serving: Serving,
  engine: Engine,
  body: SamplingFields,
  reply: FastifyReply,
): Omit<GenerationRequest, 'prompt'> {
  const { maxTokens } = engine.defaults;
  const most = body.max_tokens ?? maxTokens;
  return {
    ...waitingOf(serving, reply),
    ...(typeof most === 'number' && { maxTokens: most }),
    sampling: samplingOf(body, engine.defaults),
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    truncate: body.truncation === 'auto',
    onToken: timedTokens(serving.metrics, reply),
  };
}

function clientGone(reply: FastifyReply, metrics: Metrics): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (reply.raw.writableFinished) return;
    const route = reply.request.routeOptions.url ?? 'unknown';
    metrics.gaveUp(route);
    reply.log.info({ route }, 'the client went away');
    gone.abort(new Refusal(499, 'The client closed the connection.'));
  });
  return gone.signal;
}

/** Tells the metrics when each token comes. */
export function timedTokens(metrics: Metrics, reply: FastifyReply): () => void {
  let last: number | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined) metrics.firstToken(reply.elapsedTime / 1000);
    else metrics.nextToken((now - last) / 1000);
    last = now;
  };
}
