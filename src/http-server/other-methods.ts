import type { App } from './app.ts';
import { Refusal } from './refusal.ts';

/**
 * From here on, a request with a method that its route does not have is told which it has, instead of that there is
 * nothing. Ask for it before the routes are added, and call what it gives when all are there.
 * https://www.rfc-editor.org/rfc/rfc9110#name-405-method-not-allowed
 */
export function refuseOtherMethods(app: App): () => void {
  const allowed = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ method, url }) => {
    const methods = allowed.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    allowed.set(url, methods);
  });
  return () => {
    for (const [url, methods] of allowed) {
      const theirs = [...methods];
      const others = app.supportedMethods.filter((method) => !methods.has(method));
      app.route({
        method: others,
        url,
        config: { operation: 'none' },
        // Before the body is read: what it is does not matter.
        onRequest: (request, reply) => {
          void reply.header('allow', theirs.join(', '));
          throw methodNotAllowed(request.method, url, theirs);
        },
        handler: () => undefined,
      });
    }
  };
}

/** @param allowed the methods that the URL has */
function methodNotAllowed(method: string, url: string, allowed: readonly string[]): Refusal {
  const body = allowed.includes('POST') ? ', with JSON as the body' : '';
  return new Refusal(405, `${url} is not there for ${method}: send ${allowed.join(' or ')}${body}.`, {
    code: 'method_not_allowed',
  });
}
