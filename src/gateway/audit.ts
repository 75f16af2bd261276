import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Refusal } from '../http-server/refusal.ts';
import type { App } from './app.ts';
import { callerOf } from './authorization.ts';

const told = new WeakSet<FastifyRequest>();

/** Says in the log who did what to what, and how that ended. */
export async function audited<T>(
  request: FastifyRequest,
  action: string,
  model: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    const result = await act();
    tell(request, { action, model, outcome: 'done' });
    return result;
  } catch (error) {
    tell(request, { action, model, outcome: outcomeOf(error) });
    throw error;
  }
}

/** Has also those told in the log that ask to change something, and do not come as far as that: for want of a key, or by what they send. */
export function auditRefusals(app: App): void {
  app.addHook('onError', (request, _reply, error, done) => {
    const { access, operation } = request.routeOptions.config;
    const changes = operation !== 'none' && (access ?? ['manage']).toString() === 'manage';
    if (changes && !told.has(request)) {
      tell(request, { action: `${request.method} ${request.routeOptions.url}`, outcome: outcomeOf(error) });
    }
    done();
  });
}

function tell(
  request: FastifyRequest,
  { action, ...what }: { action: string; model?: string; outcome: string },
): void {
  told.add(request);
  const caller = callerOf(request)?.name ?? 'anybody';
  request.log.info({ audit: action, ...what, caller, address: request.ip }, 'managed');
}

function outcomeOf(error: unknown): string {
  if (error instanceof Refusal && error.code !== null) return error.code;
  return error instanceof z.ZodError || error instanceof Refusal ? 'invalid_request' : 'failed';
}
