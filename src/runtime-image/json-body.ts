import type { FastifyRequest } from 'fastify';
import { ApiError } from './errors.ts';

type Done = (error: Error | null, value?: unknown) => void;
type Parse<Result> = (request: FastifyRequest, body: string, done: Done) => Result;

/** Levels. What is deeper could be read, and not be written again: that takes a call for each level. */
const deepest = 256;
const tooDeep = `The body is nested deeper than the ${deepest} levels that are taken.`;

/**
 * A parser that says where a body is no JSON.
 * @param parse Fastify's own, which refuses what would change the prototype of objects, too
 */
export function jsonParser(parse: Parse<unknown>): Parse<void> {
  return (request, body, done) => {
    parse(request, body, (error, value) => {
      if (error) return done(new ApiError(400, problemOf(body)));
      if (isDeeper(value, deepest)) return done(new ApiError(400, tooDeep));
      done(null, value);
    });
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
