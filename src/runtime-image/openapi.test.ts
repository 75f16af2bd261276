import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OpenApiDocument, operationsOf } from '../http-server/testing/openapi-document.ts';
import { requestFields } from '../protocols/request.ts';
import { createMetrics } from './metrics.ts';
import { createServer } from './server.ts';
import { newState } from './state.ts';

function aServer(withKeys: boolean) {
  const state = newState('gemma', new Date(0));
  const keys = { accepts: (key: string) => Promise.resolve(key === 'secret') };
  return createServer(state, createMetrics(state), pino({ level: 'silent' }), withKeys ? keys : undefined);
}

const documentOf = async (withKeys = false) =>
  OpenApiDocument.parse((await aServer(withKeys).inject('/openapi.json')).json());

const operations = async (withKeys = false) => operationsOf(await documentOf(withKeys));

describe('the document at /openapi.json', () => {
  it('has every route of the server, itself too', async () => {
    const app = aServer(false);
    const routes: string[] = [];
    await app.ready();
    for (const { method, path } of await operations()) {
      const url = path.replace('{model}', '*').replace('{digest}', ':digest');
      expect(app.hasRoute({ method: method.toUpperCase(), url })).toBe(true);
      routes.push(`${method} ${path}`);
    }
    expect(routes.toSorted()).toEqual([
      'delete /api/delete',
      'get /',
      'get /api/ps',
      'get /api/tags',
      'get /api/version',
      'get /healthz',
      'get /load',
      'get /metrics',
      'get /openapi.json',
      'get /readyz',
      'get /v1/models',
      'get /v1/models/{model}',
      'head /api/blobs/{digest}',
      'post /api/blobs/{digest}',
      'post /api/chat',
      'post /api/copy',
      'post /api/create',
      'post /api/embed',
      'post /api/embeddings',
      'post /api/generate',
      'post /api/pull',
      'post /api/push',
      'post /api/show',
      'post /v1/chat/completions',
      'post /v1/completions',
      'post /v1/embeddings',
      'post /v1/rerank',
      'post /v1/responses',
    ]);
  });

  it('names every operation once, and every parameter of its path', async () => {
    const all = await operations();
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length);
    for (const { path, parameters = [] } of all) {
      const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      expect(parameters.map(({ name }) => name)).toEqual(inPath);
    }
  });

  it('refers to schemas that are there', async () => {
    const document = await documentOf();
    const text = JSON.stringify(document);
    const names = Array.from(text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g), ([, name]) => name);
    expect(names.length).toBeGreaterThan(50);
    expect(new Set(names)).toEqual(new Set(Object.keys(document.components.schemas)));
    expect(text).not.toContain('#/$defs');
  });

  it('says of every field of every request what becomes of it, and that there are no others', async () => {
    const { components } = await documentOf();
    const requests = Object.entries(components.schemas).filter(([name]) => name.endsWith('Request'));
    expect(requests).toHaveLength(10);
    for (const [name, { properties = {}, additionalProperties }] of requests) {
      expect([name, additionalProperties]).toEqual([name, false]);
      for (const [field, { description }] of Object.entries(properties)) {
        expect(`${name}.${field}: ${description}`).toMatch(/: [A-Z`].*\.$/s);
      }
    }
    const { properties } = components.schemas['ChatCompletionRequest'] ?? {};
    expect(properties?.['user']?.description).toMatch(/^Ignored\. /);
    expect(properties?.['functions']?.description).toMatch(/^Refused, but for an empty one\. /);
    expect(properties?.['verbosity']).toMatchObject({ enum: ['medium', null] });
  });

  it('has each form of an answer, and errors in the shape of the API', async () => {
    const { paths } = await documentOf();
    const chat = paths['/v1/chat/completions']?.['post']?.responses ?? {};
    expect(Object.keys(chat)).toEqual(['200', '400', '404', '413', '415', '429', '500', '503']);
    expect(Object.keys(chat['200']?.content ?? {})).toEqual(['application/json', 'text/event-stream']);
    expect(chat['400']?.content['application/json']?.schema.$ref).toBe('#/components/schemas/Error');
    const ollama = paths['/api/chat']?.['post']?.responses ?? {};
    expect(Object.keys(ollama['200']?.content ?? {})).toEqual(['application/x-ndjson', 'application/json']);
    expect(ollama['400']?.content['application/json']?.schema.$ref).toBe('#/components/schemas/OllamaError');
    expect(ollama).not.toHaveProperty('415');
  });

  it('asks for a key where the server does', async () => {
    const document = await documentOf(true);
    expect(document.security).toEqual([{ apiKey: [] }]);
    const app = aServer(true);
    for (const { method, path, security, responses } of await operations(true)) {
      const url = path.replace(/\{\w+\}/, 'x');
      const { statusCode } = await app.inject({ method: method.toUpperCase() as 'GET', url });
      expect({ path, open: security?.length === 0 }).toEqual({ path, open: statusCode !== 401 });
      expect('401' in responses).toBe(statusCode === 401);
    }
  });

  it('says nothing of keys where there are none', async () => {
    const document = await documentOf();
    expect(document).not.toHaveProperty('security');
    expect(JSON.stringify(document)).not.toContain('"401"');
  });
});

describe('the fields of a request', () => {
  it('are those of no other schema', () => {
    expect(requestFields(z.object({}))).toBeUndefined();
  });
});
