import type { RouteOptions } from 'fastify';
import { z } from 'zod';
import type { App } from '../app.ts';
import type { DescribedRoute, Program } from './document.ts';
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
 * GET /openapi.json describes the routes that are added from here on, and itself. None may be silent.
 * @param isOpen whether a route is answered without a key
 * @param config more of what its own route says of itself
 */
export function describeRoutes(
  app: App,
  program: Program,
  isOpen: (route: Pick<RouteOptions, 'url' | 'config'>) => boolean,
  config: RouteOptions['config'] = {},
): void {
  const routes: DescribedRoute[] = [];
  app.addHook('onRoute', (route) => {
    const { method, url, schema = {}, config } = route;
    if (!config?.operation)
      throw new Error(`${String(method)} ${url} says nothing of itself: config.operation`);
    if (config.operation === 'none') return;
    // Fastify adds HEAD to every GET by itself.
    if (method === 'HEAD' && routes.some((each) => each.url === url && each.method === 'GET')) return;
    const { body, querystring, params } = schema;
    routes.push({
      method: String(method),
      url,
      body: body instanceof z.ZodType ? body : undefined,
      query: querystring instanceof z.ZodObject ? querystring : undefined,
      params: params instanceof z.ZodObject ? params : undefined,
      operation: config.operation,
      open: isOpen(route),
    });
  });

  // Made when it is first asked for: a start has better things to do.
  let written: string | undefined;
  app.get('/openapi.json', { config: { ...config, operation } }, (_request, reply) => {
    written ??= JSON.stringify(openApiDocument(program, routes));
    return reply.type('application/json; charset=utf-8').send(written);
  });
}
