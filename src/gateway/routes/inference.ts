import { z } from 'zod';
import type { Model } from '../../api/model.ts';
import { inference, type InferencePath } from '../../http-server/openapi/inference.ts';
import type { Operation } from '../../http-server/openapi/operation.ts';
import { Refusal } from '../../http-server/refusal.ts';
import { inWords } from '../../http-server/validation.ts';
import type { Live } from '../../kube/kind.ts';
import { ollamaChatFields } from '../../protocols/ollama/chat.ts';
import { ollamaEmbedFields, ollamaOldEmbedFields } from '../../protocols/ollama/embed.ts';
import { ollamaGenerateFields } from '../../protocols/ollama/generate.ts';
import { ollamaShowFields } from '../../protocols/ollama/models.ts';
import { chatFields } from '../../protocols/openai/chat.ts';
import { completionFields } from '../../protocols/openai/completions.ts';
import { embeddingFields } from '../../protocols/openai/embeddings.ts';
import { rerankFields } from '../../protocols/openai/rerank.ts';
import { responseFields } from '../../protocols/openai/responses.ts';
import { requestOf, type RequestFields } from '../../protocols/request.ts';
import { textOf, type App } from '../app.ts';
import { anyScope } from '../authorization.ts';
import { shownOf } from '../describe.ts';
import type { Forwarder } from '../forward.ts';
import { find, type Found, type Names } from '../names.ts';
import type { Replicas } from '../replicas.ts';
import { notReady, unknownModel } from '../standing.ts';

/** What a server takes, by path. Here a request has to name the model, which it need not do there. */
const bodies = {
  '/v1/chat/completions': naming('ChatCompletionRequest', chatFields),
  '/v1/completions': naming('CompletionRequest', completionFields),
  '/v1/responses': naming('ResponseRequest', responseFields),
  '/v1/embeddings': naming('EmbeddingRequest', embeddingFields),
  '/v1/rerank': naming('RerankRequest', rerankFields),
  '/api/chat': naming('OllamaChatRequest', ollamaChatFields),
  '/api/generate': naming('OllamaGenerateRequest', ollamaGenerateFields),
  '/api/embed': naming('OllamaEmbedRequest', ollamaEmbedFields),
  '/api/embeddings': naming('OllamaOldEmbedRequest', ollamaOldEmbedFields),
  '/api/show': naming('OllamaShowRequest', ollamaShowFields),
} as const satisfies Record<InferencePath, z.ZodType>;

function naming(title: string, fields: RequestFields): z.ZodType {
  const model = z.string().min(1).describe('Any name of the model: GET /v1/models lists them.');
  return requestOf({ ...fields, works: { ...fields.works, model } }).meta({ title });
}

/** What the gateway itself looks at; the rest is for the server. */
const Body = z.looseObject({ model: z.unknown().optional(), name: z.string().nullish() });
type Body = z.infer<typeof Body>;

const infer = { access: ['infer'] } as const;

export interface Inference {
  names: Names;
  replicas: Replicas;
  forwarder: Forwarder;
}

/** Sends what asks a model to a replica of it. */
export function inferenceRoutes(app: App, { names, replicas, forwarder }: Inference): void {
  for (const path of Object.keys(inference) as InferencePath[]) {
    const access = path === '/api/show' ? anyScope : infer;
    const described = { schema: { body: Body }, config: { ...access, operation: operationOf(path) } };
    app.post(path, described, async (request, reply) => {
      const { body } = request;
      const asked = modelOf(body);
      const found = find(names, asked);
      if (!found) throw unknownModel(asked);
      if (!found.servers || replicas.ready(found.servers).length === 0) {
        const model = path === '/api/show' && pulledModelOf(names, found);
        if (model) {
          // No server looks at the rest of it.
          bodies[path].parse({ ...body, model: asked }, { error: inWords });
          return reply.send(shownOf(model));
        }
        throw notReady(asked, found);
      }
      const bodyFor = (server: { metadata: { name: string } }): string =>
        asked === server.metadata.name && body.name === undefined
          ? textOf(request)
          : renamed(body, server.metadata.name);
      return forwarder.forward(request, reply, { servers: found.servers, path, bodyFor });
    });
  }
}

/** That of the server, and what may happen on the way there. */
function operationOf(path: InferencePath): Operation {
  const operation: Operation = inference[path];
  return {
    ...operation,
    body: bodies[path],
    errors: [...new Set([...operation.errors, 500, 502, 504] as const)],
  };
}

/** `name` is how Ollama's older clients say it; its command line sends both, one of them empty. */
function modelOf({ model, name }: Body): string {
  const asked = model || name;
  if (typeof asked === 'string' && asked !== '') return asked;
  throw new Refusal(400, 'model: name the model to ask. GET /v1/models lists those there are.', {
    code: 'model_required',
    param: 'model',
  });
}

/** What a name stands for, or what its servers serve, once that is on storage. */
function pulledModelOf({ caches }: Names, { model, servers }: Found): Live<Model> | undefined {
  const server = servers?.[0];
  const its = model ?? (server && caches.models.get(server.metadata.namespace, server.spec.modelRef.name));
  return its?.status?.artifact && its;
}

/** A replica knows its ModelServer's name whatever else it is called, now or since its last rollout. */
function renamed(body: Body, model: string): string {
  const { name: _, ...fields } = body;
  return JSON.stringify({ ...fields, model });
}
