import type { App } from '../../app.ts';
import { ApiError } from '../../errors.ts';

const aModel = 'a server serves the one model that its ModelServer names';

/** What changes Ollama's store, and what to do instead. */
const instead = [
  ['POST', '/api/pull', 'apply a Model, and a ModelServer that names it'],
  ['POST', '/api/create', 'apply a Model of the source, and a ModelServer with the settings'],
  ['POST', '/api/copy', 'apply another ModelServer of the same Model'],
  ['DELETE', '/api/delete', 'delete the ModelServer, and the Model'],
  ['POST', '/api/push', 'publish it with the tools of the registry'],
  ['POST', '/api/blobs/:digest', 'apply a Model of the source'],
  ['HEAD', '/api/blobs/:digest', 'apply a Model of the source'],
] as const;

/** Ollama's requests that change which models there are: here Kubernetes objects say that. */
export function ollamaStoreRoutes(app: App): void {
  for (const [method, url, what] of instead) {
    app.route({
      method,
      url,
      handler: () => {
        throw new ApiError(501, `${url.split('/:')[0]} is not done here: ${aModel}. Instead, ${what}.`, {
          code: 'unsupported',
        });
      },
    });
  }
}
