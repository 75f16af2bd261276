import type { App } from '../app.ts';
import { anyScope } from '../authorization.ts';
import { shownOf } from '../describe.ts';
import type { Forwarder } from '../forward.ts';
import { bodyOf, type JsonBody } from '../json-body.ts';
import { find, type Names } from '../names.ts';
import { Refusal } from '../refusal.ts';
import type { Replicas } from '../replicas.ts';
import { notReady, unknownModel } from '../standing.ts';

/** Everything that a server answers about the model that a body names. */
const paths = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/rerank',
  '/api/chat',
  '/api/generate',
  '/api/embed',
  '/api/embeddings',
  '/api/show',
] as const;

const infer = { access: ['infer'] } as const;

export interface Inference {
  names: Names;
  replicas: Replicas;
  forwarder: Forwarder;
}

/** Sends what asks a model to a replica of it. */
export function inferenceRoutes(app: App, { names, replicas, forwarder }: Inference): void {
  for (const path of paths) {
    const config = path === '/api/show' ? anyScope : infer;
    app.post(path, { config }, async (request, reply) => {
      const body = bodyOf(request);
      const asked = modelOf(body);
      const found = find(names, asked);
      if (!found) throw unknownModel(asked);
      if (path === '/api/show' && found.model?.status?.artifact) return shownOf(found.model);
      if (!found.servers || replicas.ready(found.servers).length === 0) throw notReady(asked, found);
      const bodyFor = (server: { metadata: { name: string } }): Buffer | string =>
        asked === server.metadata.name ? body.raw : renamed(body, server.metadata.name);
      return forwarder.forward(request, reply, { servers: found.servers, path, bodyFor });
    });
  }
}

/** `name` is how Ollama's older clients say it. */
function modelOf({ json: { model, name } }: JsonBody): string {
  const asked = model ?? name;
  if (typeof asked === 'string' && asked !== '') return asked;
  throw new Refusal(400, 'model: name the model to ask. GET /v1/models lists those there are.', {
    code: 'model_required',
    param: 'model',
  });
}

/** A replica knows its ModelServer's name whatever else it is called, now or since its last rollout. */
function renamed({ json }: JsonBody, model: string): string {
  const { name: _, ...fields } = json;
  return JSON.stringify({ ...fields, model });
}
