import { pino } from 'pino';
import { describe, expect, it, onTestFinished } from 'vitest';
import { OpenApiDocument, operationsOf } from '../http-server/testing/openapi-document.ts';
import { publicHub, publicRegistry } from '../api/source.ts';
import { createServer } from './server.ts';
import { cachesOf } from './testing/objects.ts';

const unused = (): Promise<never> => Promise.reject(new Error('nothing is written here'));

function aGateway({ withKeys = true, withManagement = true } = {}) {
  const caches = cachesOf();
  const { app } = createServer({
    caches,
    log: pino({ level: 'silent' }),
    homeNamespace: undefined,
    admission: { requests: 10, bytes: 1000 },
    limits: { request: 1000, idle: 1000, connect: 1000 },
    keys: withKeys ? { callerOf: () => Promise.resolve(undefined) } : undefined,
    management: withManagement
      ? {
          client: { create: unused, delete: unused, managersOf: unused },
          caches,
          namespace: 'team',
          endpoints: [],
          gpus: 1,
          hub: publicHub,
          registry: publicRegistry,
        }
      : undefined,
  });
  onTestFinished(() => app.close());
  return app;
}

async function documentOf(choices?: Parameters<typeof aGateway>[0]) {
  const document = OpenApiDocument.parse((await aGateway(choices).inject('/openapi.json')).json());
  return { document, operations: operationsOf(document), text: JSON.stringify(document) };
}

describe('the document of the gateway', () => {
  it('has every route: one that says nothing of itself does not start', async () => {
    const app = aGateway();
    expect(() => app.get('/silent', () => 'x')).toThrow('GET /silent says nothing of itself');
    await app.ready();
    const { operations } = await documentOf();
    const routes = operations.map(({ method, path }) => {
      const url = path.replace(/\{(model|name)\}/, '*').replaceAll(/\{(\w+)\}/g, ':$1');
      expect([path, app.hasRoute({ method: method.toUpperCase(), url })]).toEqual([path, true]);
      return `${method} ${path}`;
    });
    expect(routes.toSorted()).toEqual([
      'delete /api/delete',
      'delete /models/{name}',
      'get /',
      'get /api/models',
      'get /api/ps',
      'get /api/tags',
      'get /api/version',
      'get /healthz',
      'get /models/search',
      'get /models/search/{owner}/{repo}',
      'get /objects/models',
      'get /objects/models/{namespace}/{object}',
      'get /objects/modelservers',
      'get /objects/modelservers/{namespace}/{object}',
      'get /openapi.json',
      'get /v1/models',
      'get /v1/models/{model}',
      'get /version',
      'post /api/chat',
      'post /api/embed',
      'post /api/embeddings',
      'post /api/generate',
      'post /api/pull',
      'post /api/show',
      'post /models/load',
      'post /models/pull',
      'post /models/unload',
      'post /v1/chat/completions',
      'post /v1/completions',
      'post /v1/embeddings',
      'post /v1/rerank',
      'post /v1/responses',
    ]);
  });

  it('names every operation once, and every part of its path', async () => {
    const { operations } = await documentOf();
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { path, parameters } of operations) {
      const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      expect(parameters.flatMap((each) => (each.in === 'path' ? [each.name] : []))).toEqual(inPath);
    }
  });

  it('refers to schemas that are there', async () => {
    const { document, text } = await documentOf();
    const names = Array.from(text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g), ([, name]) => name);
    expect(new Set(names)).toEqual(new Set(Object.keys(document.components.schemas)));
    expect(text).not.toContain('#/$defs');
  });

  it('has for what asks a model the fields of a server, with a model that has to be named', async () => {
    const { document } = await documentOf();
    const { ChatCompletionRequest: chat } = document.components.schemas;
    expect(chat).toMatchObject({
      required: expect.arrayContaining(['messages', 'model']) as string[],
      additionalProperties: false,
      properties: { model: { type: 'string', minLength: 1 }, temperature: {} },
    });
    const { responses } = document.paths['/v1/chat/completions']!['post']!;
    expect(Object.keys(responses['200']!.content)).toEqual(['application/json', 'text/event-stream']);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403', '502', '504']));
    expect(responses['502']!.description).toContain('`replica_failed`');
  });

  it('has for what manages models each form of an answer, and errors in the shape of its path', async () => {
    const { document } = await documentOf();
    const { responses } = document.paths['/models/pull']!['post']!;
    expect(Object.keys(responses['200']!.content)).toEqual([
      'application/x-ndjson',
      'text/event-stream',
      'application/json',
    ]);
    const shapeOf = (path: string, method: string): unknown =>
      document.paths[path]![method]!.responses['503']!.content['application/json']!.schema['$ref'];
    expect(shapeOf('/models/pull', 'post')).toBe('#/components/schemas/Error');
    expect(shapeOf('/api/models', 'get')).toBe('#/components/schemas/OllamaError');
    expect(document.paths['/models/search']!['get']!.parameters).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'q', in: 'query', required: false }),
        expect.objectContaining({ name: 'source', in: 'query', required: false }),
        expect.objectContaining({
          name: 'limit',
          in: 'query',
          required: false,
          schema: expect.objectContaining({ type: 'integer', minimum: 1, maximum: 100 }) as object,
        }),
      ]),
    );
  });

  it('asks for a key, sent in either way, where the gateway does', async () => {
    const { document, operations } = await documentOf();
    expect(document.security).toEqual([{ apiKey: [] }, { apiKeyHeader: [] }]);
    const app = aGateway();
    for (const { method, path, security, responses } of operations) {
      const url = path.replaceAll(/\{\w+\}/g, 'x');
      const { statusCode } = await app.inject({ method: method.toUpperCase() as 'GET', url });
      expect({ path, open: security?.length === 0 }).toEqual({ path, open: statusCode !== 401 });
      expect('401' in responses).toBe(statusCode === 401);
    }
  });

  it('says nothing of keys, nor of management, where there is none', async () => {
    const { document, text } = await documentOf({ withKeys: false, withManagement: false });
    expect(document).not.toHaveProperty('security');
    expect(text).not.toContain('"401"');
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/models'))).toEqual([]);
  });
});
