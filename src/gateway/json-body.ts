import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { Logger } from 'pino';
import { isOllamas, Refusal } from './refusal.ts';

/** What a client sent: as it came, and as it reads. */
export interface JsonBody {
  raw: Buffer;
  json: Readonly<Record<string, unknown>>;
}

/**
 * Reads bodies as JSON objects. Ollama's clients, and everybody who tries its API with curl, send JSON under any name;
 * elsewhere it has to be called so, which also keeps web pages from sending it unasked.
 */
export function readJsonBodies(
  app: FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, Logger>,
): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (request, raw: Buffer, done) => {
    const type = request.headers['content-type'] ?? 'none';
    if (!isOllamas(request.url) && !/^application\/json\b/i.test(type)) {
      const message = `The body has to be JSON, with the header content-type: application/json; it was ${type}.`;
      done(new Refusal(415, message, { code: 'invalid_request' }));
      return;
    }
    void parse(request, raw.toString(), (error, json: unknown) => {
      if (error) done(error);
      else done(null, { raw, json } satisfies Record<keyof JsonBody, unknown>);
    });
  });
}

/** @throws Refusal where there is no object */
export function bodyOf(request: FastifyRequest): JsonBody {
  const body = request.body as { raw: Buffer; json: unknown } | undefined;
  const { raw, json } = body ?? {};
  if (raw === undefined || typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Refusal(400, 'The body has to be a JSON object.', { code: 'invalid_request' });
  }
  return { raw, json: json as JsonBody['json'] };
}
