import type { z } from 'zod';
import { OllamaError } from '../../protocols/ollama/error.ts';
import { ErrorBody } from '../../protocols/openai/error.ts';
import type { Content, ErrorStatus, Operation } from './operation.ts';
import { eventStream } from './operation.ts';
import { answerSchema, requestSchema } from './schema.ts';

export interface DescribedRoute {
  method: string;
  /** As the router has it: `/api/blobs/:digest`, `/v1/models/*`. */
  url: string;
  body?: z.ZodType;
  operation: Operation;
  /** Whether it is answered without a key. */
  open: boolean;
}

/** A value of JSON. */
type Json = Readonly<Record<string, unknown>>;

const errorMeanings: Readonly<Record<ErrorStatus | 401, string>> = {
  400: 'The request is not valid, or asks for what this server, or its model, does not do.',
  401: 'An API key is needed, or the one that was sent is none of this server.',
  404: 'There is no model of that name here.',
  413: 'The body is too large.',
  415: 'The body is not said to be JSON.',
  429: 'More requests wait than are let in.',
  500: 'The server failed. Its log says why.',
  501: 'Which models there are is said by objects of Kubernetes.',
  503: 'The model is still loading, there is no memory for what is asked, or the server is shutting down.',
};

const retryAfter = {
  'retry-after': { description: 'Seconds until it is worth trying again.', schema: { type: 'integer' } },
};

/**
 * The document of what a server answers. Schemas with a title are components of that name.
 * https://spec.openapis.org/oas/v3.1.1
 * @param withKeys whether requests need a key, where their route is not open
 */
export function openApiDocument(routes: readonly DescribedRoute[], withKeys: boolean): Json {
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
    const { path, parameters } = pathOf(route);
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = {
      operationId: route.operation.id,
      tags: [route.operation.api],
      summary: route.operation.summary,
      ...(parameters.length > 0 && { parameters }),
      ...(route.body && {
        requestBody: { required: true, content: { 'application/json': { schema: request(route.body) } } },
      }),
      responses: responsesOf(route, withKeys, answer),
      ...(withKeys && route.open && { security: [] }),
    };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Longshore runtime',
      version: '1',
      summary: 'One model, over the APIs of OpenAI and Ollama.',
      description:
        'Generated from the schemas that requests are checked by. A field that is not named here is refused.',
    },
    servers: [{ url: '/' }],
    ...(withKeys && { security: [{ apiKey: [] }] }),
    paths,
    components: {
      schemas: Object.fromEntries([...components].toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ...(withKeys && {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'One of the keys in the Secret of spec.auth.',
          },
        },
      }),
    },
  };
}

function pathOf({ url, operation }: DescribedRoute) {
  const names: string[] = [];
  const path = url.replaceAll(/:(\w+)|\*/g, (_, name: string | undefined) => {
    const known = name ?? operation.wildcard ?? 'rest';
    names.push(known);
    return `{${known}}`;
  });
  const parameters = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  return { path, parameters };
}

function responsesOf(
  { operation, open }: DescribedRoute,
  withKeys: boolean,
  answer: (schema: z.ZodType) => Json,
): Json {
  const shape = operation.api === 'Ollama' ? OllamaError : ErrorBody;
  const answers = Object.entries(operation.answers).map(([status, contents]) => {
    const content = Object.fromEntries(contents.map((one) => [one.type, mediaType(one, shape, answer)]));
    return [status, { description: operation.summary, content }] as const;
  });
  const statuses = withKeys && !open ? [...operation.errors, 401 as const] : operation.errors;
  const errors = statuses.map((status) => {
    const response = {
      description: errorMeanings[status],
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
  { type, whole, each }: Content,
  error: z.ZodType,
  answer: (schema: z.ZodType) => Json,
): Json {
  if (!each) return { schema: whole ? answer(whole) : { type: 'string' } };
  const item = { anyOf: [answer(each), answer(error)] };
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
