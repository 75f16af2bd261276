import { z } from 'zod';
import { OllamaError } from '../../protocols/ollama/error.ts';
import { ErrorBody } from '../../protocols/openai/error.ts';
import { isOllamas } from '../refusal.ts';
import type { Content, ErrorStatus, Operation } from './operation.ts';
import { eventStream } from './operation.ts';
import { answerSchema, requestSchema } from './schema.ts';

/** What a document says of the program as a whole. */
export interface Program {
  title: string;
  summary: string;
  description: string;
  /** What an error of each status means here. */
  meanings: Readonly<Partial<Record<ErrorStatus, string>>>;
  /** Absent: no key is asked for. */
  keys?: ProgramKeys | undefined;
}

export interface ProgramKeys {
  /** Each is a way to send the key. https://spec.openapis.org/oas/v3.1.1#security-scheme-object */
  schemes: Readonly<Record<string, Json>>;
  /** How a request ends that has none, or not a good one. */
  errors: readonly ErrorStatus[];
}

export interface DescribedRoute {
  method: string;
  /** As the router has it: `/api/blobs/:digest`, `/v1/models/*`. */
  url: string;
  body?: z.ZodType | undefined;
  query?: z.ZodObject | undefined;
  /** Of what stands in the path; absent: any text. */
  params?: z.ZodObject | undefined;
  operation: Operation;
  /** Whether it is answered without a key. */
  open: boolean;
}

/** A value of JSON. */
type Json = Readonly<Record<string, unknown>>;

const retryAfter = {
  'retry-after': { description: 'Seconds until it is worth trying again.', schema: { type: 'integer' } },
};

/**
 * The document of what a program answers. Schemas with a title are components of that name.
 * https://spec.openapis.org/oas/v3.1.1
 */
export function openApiDocument(program: Program, routes: readonly DescribedRoute[]): Json {
  const { keys } = program;
  const components = new Map<string, Json>();
  const refTo = (schema: z.ZodType, convert: (schema: z.ZodType) => Json): Json => {
    const name = schema.meta()?.title;
    if (name === undefined) return convert(schema);
    if (!components.has(name)) components.set(name, convert(schema));
    return { $ref: `#/components/schemas/${name}` };
  };
  const answer = (schema: z.ZodType) => refTo(schema, answerSchema);
  const request = (schema: z.ZodType) => refTo(schema, requestSchema);

  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    const { operation } = route;
    const { path, parameters } = pathOf(route);
    const body = operation.body ?? route.body;
    const all = [...parameters, ...queryOf(route)];
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = {
      operationId: operation.id,
      tags: [operation.api],
      summary: operation.summary,
      ...(all.length > 0 && { parameters: all }),
      ...(body && {
        requestBody: { required: true, content: { 'application/json': { schema: request(body) } } },
      }),
      responses: responsesOf(route, program, answer),
      ...(keys && route.open && { security: [] }),
    };
  }
  const { title, summary, description } = program;
  return {
    openapi: '3.1.1',
    info: { title, version: '1', summary, description },
    servers: [{ url: '/' }],
    ...(keys && { security: Object.keys(keys.schemes).map((name) => ({ [name]: [] })) }),
    paths,
    components: {
      schemas: Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ...(keys && { securitySchemes: keys.schemes }),
    },
  };
}

function pathOf({ url, operation, params }: DescribedRoute) {
  const names: string[] = [];
  const path = url.replaceAll(/:(\w+)|\*/g, (_, name: string | undefined) => {
    const known = name ?? operation.wildcard ?? 'rest';
    names.push(known);
    return `{${known}}`;
  });
  const parameters = names.map((name) => {
    const field: unknown = params?.shape[name];
    const schema = field instanceof z.ZodType ? requestSchema(field) : { type: 'string' };
    return { name, in: 'path', required: true, schema };
  });
  return { path, parameters };
}

function queryOf({ query }: DescribedRoute): Json[] {
  return Object.entries(query?.shape ?? {}).map(([name, field]) => {
    if (!(field instanceof z.ZodType)) throw new Error(`the query ${name} has no schema`);
    // What comes of it: in the URL all of them are text.
    const { description, ...schema } = answerSchema(field);
    const required = !field.safeParse(undefined).success;
    return { name, in: 'query', required, ...(description !== undefined && { description }), schema };
  });
}

function responsesOf(
  { url, operation, open }: DescribedRoute,
  { keys, meanings }: Program,
  answer: (schema: z.ZodType) => Json,
): Json {
  const shape = isOllamas(url) ? OllamaError : ErrorBody;
  const answers = Object.entries(operation.answers).map(([status, contents]) => {
    const content = Object.fromEntries(contents.map((one) => [one.type, mediaType(one, shape, answer)]));
    return [status, { description: operation.summary, content }] as const;
  });
  const statuses = new Set([...operation.errors, ...(keys && !open ? keys.errors : [])]);
  const errors = [...statuses].map((status) => {
    const description = meanings[status];
    if (description === undefined) throw new Error(`nothing is said of errors with ${status}`);
    const response = {
      description,
      ...((status === 429 || status === 503) && { headers: retryAfter }),
      content: { 'application/json': { schema: answer(shape) } },
    };
    return [String(status), response] as const;
  });
  return Object.fromEntries([...answers, ...errors]);
}

/**
 * OpenAPI 3.1 has no word for what a stream is made of, as 3.2 has. Of events, readers of documents take the schema for
 * that of each; of lines, for that of all of them in a list.
 */
function mediaType(
  { type, whole, each, error }: Content,
  shape: z.ZodType,
  answer: (schema: z.ZodType) => Json,
): Json {
  if (!each) return { schema: whole ? answer(whole) : { type: 'string' } };
  const item = { anyOf: [answer(each), answer(error ?? shape)] };
  return { schema: type === eventStream ? eventOf(item) : { type: 'array', items: item } };
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html */
const eventOf = (item: Json): Json => ({
  description: 'An event. An error on the way is the last one.',
  type: 'object',
  required: ['data'],
  properties: {
    event: { type: 'string' },
    data: {
      anyOf: [
        { type: 'string', contentMediaType: 'application/json', contentSchema: item },
        { const: '[DONE]' },
      ],
    },
  },
});
