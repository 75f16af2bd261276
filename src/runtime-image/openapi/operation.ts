import type { z } from 'zod';

/** What a route says of itself, for the document at /openapi.json. What it takes, its body schema says. */
export interface Operation {
  /** As client generators name functions. */
  id: string;
  api: 'OpenAI' | 'Ollama' | 'Server';
  summary: string;
  /** What comes with a status, in one form or another. */
  answers: Readonly<Record<number, readonly Content[]>>;
  /** Statuses of errors, in the shape of the API. */
  errors: readonly ErrorStatus[];
  /** The name of what stands in place of `*` in the path. */
  wildcard?: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: Operation;
  }
}

export type ErrorStatus = 400 | 404 | 413 | 415 | 429 | 500 | 501 | 503;

export interface Content {
  type: string;
  /** Of the whole; absent: any text. */
  whole?: z.ZodType;
  /** Of a stream: of each event or line in it. */
  each?: z.ZodType;
}

export const eventStream = 'text/event-stream';

export const json = (whole: z.ZodType): Content => ({ type: 'application/json', whole });
export const events = (each: z.ZodType): Content => ({ type: eventStream, each });
export const lines = (each: z.ZodType): Content => ({ type: 'application/x-ndjson', each });
export const text: Content = { type: 'text/plain' };

/** What a request to the model may end with. */
export const modelErrors = [400, 404, 413, 415, 429, 500, 503] as const;
/** Likewise of Ollama's API, which takes JSON under any content type. */
export const ollamaModelErrors = [400, 404, 413, 429, 500, 503] as const;
