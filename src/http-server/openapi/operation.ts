import type { z } from 'zod';

/** What a route says of itself, for the document at /openapi.json. What it takes, its schemas say. */
export interface Operation {
  /** As client generators name functions. */
  id: string;
  api: 'OpenAI' | 'Ollama' | 'Server' | 'Management';
  summary: string;
  /** What the body has to be, where it is not the route that looks: a gateway leaves that to the server behind it. */
  body?: z.ZodType;
  /** What comes with a status, in one form or another. */
  answers: Readonly<Record<number, readonly Content[]>>;
  /** Statuses of errors, in the shape of the API. */
  errors: readonly ErrorStatus[];
  /** The name of what stands in place of `*` in the path. */
  wildcard?: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `none`: there is nothing to say of it, since it only refuses. */
    operation?: Operation | 'none';
  }
}

export type ErrorStatus = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 500 | 501 | 502 | 503 | 504;

export interface Content {
  type: string;
  /** Of the whole; absent: any text. */
  whole?: z.ZodType;
  /** Of a stream: of each event or line in it. */
  each?: z.ZodType;
  /** Of a stream: of the last of them where something goes wrong on the way; absent: as errors of the API are. */
  error?: z.ZodType;
}

export const eventStream = 'text/event-stream';

export const json = (whole: z.ZodType): Content => ({ type: 'application/json', whole });
export const events = (each: z.ZodType): Content => ({ type: eventStream, each });
export const lines = (each: z.ZodType): Content => ({ type: 'application/x-ndjson', each });
export const text: Content = { type: 'text/plain' };
