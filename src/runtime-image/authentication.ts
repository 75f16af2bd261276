import type { FastifyRequest } from 'fastify';
import type { ApiKeys } from './api-keys.ts';
import { unauthorized } from './errors.ts';

/** What is asked by Kubernetes, the operator and Prometheus, and what says no more than that a server is there. */
const open: ReadonlySet<string> = new Set(['/', '/healthz', '/readyz', '/load', '/metrics', '/openapi.json']);

/** @param route as the router has it */
export const isOpen = (route: string) => open.has(route);

/**
 * Lets a request on that brings a key, or is for something that is open to all. It looks at the route, as the router has
 * understood the URL.
 * @throws Refusal
 */
export async function authenticate(keys: ApiKeys, request: FastifyRequest): Promise<void> {
  const { url } = request.routeOptions;
  if (url === undefined || isOpen(url)) return;
  const [, key] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (key === undefined) throw unauthorized('An API key is needed: send Authorization: Bearer KEY.');
  if (!(await keys.accepts(key))) throw unauthorized('The API key is none of this server.');
}
