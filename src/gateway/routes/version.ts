import { json, type Operation } from '../../http-server/openapi/operation.ts';
import { GatewayVersion } from '../../protocols/gateway.ts';
import { version } from '../../protocols/version.ts';
import { scopes } from '../access.ts';
import type { App } from '../app.ts';
import { anyScope, callerOf } from '../authorization.ts';

const operation: Operation = {
  id: 'gatewayVersion',
  api: 'Server',
  summary: 'The release of Longshore, where Models are made, and what the caller may do',
  answers: { 200: [json(GatewayVersion)] },
  errors: [503],
};

/** Which release this is, where it manages models, and what the caller may do: what the command line asks first. */
export function versionRoute(app: App, namespace: string | undefined): void {
  app.get('/version', { config: { ...anyScope, operation } }, (request): GatewayVersion => ({
    version,
    ...(namespace !== undefined && { namespace }),
    scopes: [...(callerOf(request)?.scopes ?? scopes)],
  }));
}
