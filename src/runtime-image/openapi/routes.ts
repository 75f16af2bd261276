import { z } from 'zod';
import type { App } from '../app.ts';
import { isOpen } from '../authentication.ts';
import type { DescribedRoute } from './document.ts';
import { openApiDocument } from './document.ts';
import type { Operation } from './operation.ts';
import { json } from './operation.ts';

const operation: Operation = {
  id: 'describe',
  api: 'Server',
  summary: 'This document',
  answers: { 200: [json(z.looseObject({ openapi: z.string() }))] },
  errors: [],
};

/**
 * GET /openapi.json describes the routes that are added from here on, and itself.
 * @param withKeys whether requests need a key
 */
export function describeRoutes(app: App, withKeys: boolean): void {
  const routes: DescribedRoute[] = [];
  app.addHook('onRoute', ({ method, url, schema, config }) => {
    if (!config?.operation) return;
    // Fastify adds HEAD to every GET by itself.
    if (method === 'HEAD' && routes.some((route) => route.url === url && route.method === 'GET')) return;
    const { body } = schema ?? {};
    routes.push({
      method: String(method),
      url,
      ...(body instanceof z.ZodType && { body }),
      operation: config.operation,
      open: isOpen(url),
    });
  });

  // Made when it is first asked for: a start has better things to do.
  let written: string | undefined;
  app.get('/openapi.json', { config: { operation } }, (_request, reply) => {
    written ??= JSON.stringify(openApiDocument(routes, withKeys));
    return reply.type('application/json; charset=utf-8').send(written);
  });
}
