import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyRequest, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Logger } from 'pino';
import { isOllamas, Refusal } from './refusal.ts';

type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, Logger, ZodTypeProvider>;
type Done = (error: Error | null, value?: unknown) => void;

/** Levels. What is deeper could be read, and not be written again: that takes a call for each level. */
const deepest = 256;
const tooDeep = `The body is nested deeper than the ${deepest} levels that are taken.`;

/**
 * Reads bodies as JSON, and says where one is none. Ollama's clients, and everybody who tries its API with curl, send JSON
 * under any name; elsewhere it has to be called so, which also keeps web pages from sending it unasked.
 * @param keep gets what was read, as it came
 */
export function readJsonBodies(app: App, keep?: (request: FastifyRequest, text: string) => void): void {
  // Fastify's own refuses what would change the prototype of objects, too.
  const parse = app.getDefaultJsonParser('error', 'error');
  const read = (request: FastifyRequest, body: string, done: Done): void => {
    void parse(request, body, (error, value: unknown) => {
      if (error) return done(new Refusal(400, problemOf(body)));
      if (isDeeper(value, deepest)) return done(new Refusal(400, tooDeep));
      keep?.(request, body);
      done(null, value);
    });
  };
  app.removeContentTypeParser(['application/json', 'text/plain']);
  app.addContentTypeParser('application/json', { parseAs: 'string' }, read);
  app.addContentTypeParser('*', { parseAs: 'string' }, (request, body: string, done) => {
    if (isOllamas(request.url)) return read(request, body, done);
    const sent = request.headers['content-type'] ?? 'none';
    done(
      new Refusal(
        415,
        `The body has to be JSON, with the header content-type: application/json; it was ${sent}.`,
      ),
    );
  });
}

function problemOf(body: string): string {
  if (body === '') return 'The body is empty: send an object of JSON.';
  try {
    JSON.parse(body);
  } catch (error) {
    return `The body is not valid JSON: ${error instanceof Error ? error.message : String(error)}.`;
  }
  return 'The body has a key __proto__ or constructor.prototype in it, which is not taken.';
}

/** Whether lists and objects are in each other on more levels than that. */
function isDeeper(value: unknown, levels: number): boolean {
  let level = [value].filter(isNested);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth === levels) return true;
    level = level.flatMap((one) => Object.values(one).filter(isNested));
  }
  return false;
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null;
