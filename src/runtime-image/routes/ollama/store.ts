import type { App } from '../../app.ts';
import { Refusal } from '../../../http-server/refusal.ts';
import type { Operation } from '../../../http-server/openapi/operation.ts';

const aModel = 'a server serves the one model that its ModelServer names';

/** What changes Ollama's store, and what to do instead. */
const instead = [
  ['POST', '/api/pull', 'pull', 'apply a Model, and a ModelServer that names it'],
  ['POST', '/api/create', 'create', 'apply a Model of the source, and a ModelServer with the settings'],
  ['POST', '/api/copy', 'copy', 'apply another ModelServer of the same Model'],
  ['DELETE', '/api/delete', 'delete', 'delete the ModelServer, and the Model'],
  ['POST', '/api/push', 'push', 'publish it with the tools of the registry'],
  ['POST', '/api/blobs/:digest', 'pushBlob', 'apply a Model of the source'],
  ['HEAD', '/api/blobs/:digest', 'headBlob', 'apply a Model of the source'],
] as const;

/** Ollama's requests that change which models there are: here Kubernetes objects say that. */
export function ollamaStoreRoutes(app: App): void {
  for (const [method, url, id, what] of instead) {
    const name = url.split('/:')[0];
    const refuse = () => {
      throw new Refusal(501, `${name} is not done here: ${aModel}. Instead, ${what}.`, {
        code: 'unsupported',
      });
    };
    const summary = `Not done here. Instead, ${what}`;
    const operation: Operation = { id, api: 'Ollama', summary, answers: {}, errors: [501] };
    // What would be sent need not be read.
    app.route({ method, url, config: { operation }, onRequest: refuse, handler: refuse });
  }
}
