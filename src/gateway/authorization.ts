import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import type { AccessKeys, Caller, Scope } from './access.ts';
import { Refusal } from '../http-server/refusal.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scopes of which a key needs one; `open` asks for no key. Absent: `manage`. */
    access?: readonly Scope[] | 'open';
  }
}

/** For what lists and describes: whoever may do anything may see what there is. */
export const anyScope = { access: ['infer', 'read', 'manage'] } as const;
export const open = { access: 'open' } as const;

/** Whether a route asks for no key: what only refuses does not, either. */
export const isOpen = ({ access, operation }: FastifyContextConfig): boolean =>
  access === 'open' || operation === 'none';

const callers = new WeakMap<FastifyRequest, Caller>();

/** Who asks, where keys are asked for. */
export const callerOf = (request: FastifyRequest): Caller | undefined => callers.get(request);

/**
 * Lets a request on that brings a key with a scope that the route takes. Where both headers are there, `X-API-Key` is for
 * the gateway and `Authorization` for the server behind it.
 * @throws Refusal
 */
export async function authorize(keys: AccessKeys, request: FastifyRequest): Promise<void> {
  const { url, config } = request.routeOptions;
  // What no route takes is refused as that.
  if (url === undefined || isOpen(config) || config.access === 'open') return;
  const needed = config.access ?? ['manage'];
  const key = keyIn(request);
  if (key === undefined) {
    throw unauthorized('An API key is needed: send Authorization: Bearer KEY, or X-API-Key: KEY.');
  }
  const caller = await keys.callerOf(key);
  if (!caller) throw unauthorized('The API key is none of this gateway.');
  callers.set(request, caller);
  if (!needed.some((scope) => caller.scopes.includes(scope))) {
    throw new Refusal(
      403,
      `The API key "${caller.name}" may ${caller.scopes.join(' and ')}; this needs one that may ${needed.join(' or ')}.`,
      { code: 'insufficient_scope' },
    );
  }
}

function keyIn({ headers }: FastifyRequest): string | undefined {
  const own = headers['x-api-key'];
  if (typeof own === 'string' && own !== '') return own;
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

const unauthorized = (message: string): Refusal => new Refusal(401, message, { code: 'invalid_api_key' });
