import type { FastifyRequest } from 'fastify';
import { ApiError } from './errors.ts';

type Done = (error: Error | null, value?: unknown) => void;
type Parse<Result> = (request: FastifyRequest, body: string, done: Done) => Result;

/**
 * A parser that says where a body is no JSON.
 * @param parse Fastify's own, which refuses what would change the prototype of objects, too
 */
export function jsonParser(parse: Parse<unknown>): Parse<void> {
  return (request, body, done) => {
    parse(request, body, (error, value) => done(error && new ApiError(400, problemOf(body)), value));
  };
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
