import { z } from 'zod';
import { ObjectName } from '../../api/kubernetes.ts';
import { json, type Operation } from '../../http-server/openapi/operation.ts';
import { Refusal } from '../../http-server/refusal.ts';
import type { Admission } from '../admission.ts';
import type { App } from '../app.ts';
import { audited, auditRefusals } from '../audit.ts';
import { keyOf, type Key } from '../../kube/kind.ts';
import { Catalog, catalog } from '../management/catalog.ts';
import { load, modelOf, pull, remove, unload, type Management } from '../management/manage.ts';
import { answerWith, progressAnswers } from '../management/stream.ts';
import { PullRequest, wantedOf } from '../management/wanted.ts';

const LoadRequest = PullRequest.partial({ name: true })
  .extend({
    model_id: z
      .string()
      .min(1)
      .max(104)
      .optional()
      .describe('The name of a Model, with or without its namespace; or of the one that is pulled.'),
    server: ObjectName.max(40).optional().describe('The name of the ModelServer; absent: that of the Model.'),
    replicas: z.int().min(0).max(1000).optional().describe('Pods of the server; absent: 1.'),
    gpus: z
      .int()
      .min(0)
      .max(16)
      .optional()
      .describe("Of each pod; 0: it computes on the CPU; absent: as the chart's values say."),
    context_size: z
      .int()
      .min(64)
      .max(16_777_216)
      .optional()
      .describe('Tokens that a request has; absent: what fits.'),
    parallel: z.int().min(1).max(64).optional().describe('Requests that are computed together; absent: 1.'),
  })
  .meta({ title: 'LoadRequest' });

const UnloadRequest = z
  .strictObject({
    name: z.string().min(1).max(700).optional().describe('Any name of the model.'),
    model_id: z.string().min(1).max(300).optional().describe('The same.'),
  })
  .refine(
    ({ name, model_id: id }) => (name === undefined) !== (id === undefined),
    'name the model: name or model_id',
  )
  .meta({ title: 'UnloadRequest', minProperties: 1, maxProperties: 1 });

/** What Ollama's clients send to pull and to delete. `insecure` is for registries without TLS, which are not asked. */
const ollamaNamed = {
  model: z.string().max(700).optional().describe('As `ollama pull` takes it; needed, or `name`.'),
  name: z.string().max(700).optional().describe('The older name of `model`.'),
};
const OllamaPullRequest = z
  .looseObject({
    ...ollamaNamed,
    stream: z.boolean().default(true).describe('Whether each step is told, or only the end.'),
    insecure: z
      .literal(false, 'registries are asked over TLS alone')
      .optional()
      .describe('Only false: registries are asked over TLS alone.'),
  })
  .meta({ title: 'OllamaPullRequest' });
const OllamaDeleteRequest = z.looseObject(ollamaNamed).meta({ title: 'OllamaDeleteRequest' });

const Unloaded = z
  .object({
    status: z.literal('unloaded'),
    servers: z.array(z.string()).describe('Each with its namespace.'),
  })
  .meta({ title: 'Unloaded' });
const Deleted = z
  .object({ status: z.literal('deleted'), model: z.string().describe('With its namespace.') })
  .meta({ title: 'Deleted' });

const operationOf = (
  id: string,
  summary: string,
  { api = 'Management', ...described }: Pick<Operation, 'answers' | 'errors'> & Partial<Operation>,
): Operation => ({ id, api, summary, ...described });

const progress = { 200: progressAnswers };
const errors = [400, 403, 404, 409, 413, 415, 500, 503] as const;
/** Ollama's API takes JSON under any content type. */
const ollamaErrors = [400, 403, 404, 409, 413, 500, 503] as const;
const operations = {
  pull: operationOf('pullModel', 'Makes a Model, or joins the pull of it, and tells how far it is', {
    answers: progress,
    errors,
  }),
  load: operationOf('loadModel', 'Pulls what is not there, makes a ModelServer, and tells how far both are', {
    answers: progress,
    errors,
  }),
  unload: operationOf('unloadModel', 'Deletes the ModelServers of a model', {
    answers: { 200: [json(Unloaded)] },
    errors,
  }),
  list: operationOf('catalog', 'Every Model: state, progress, size, what its file says, its servers', {
    answers: { 200: [json(Catalog)] },
    errors: [503],
  }),
  delete: operationOf('deleteModel', 'Deletes a Model and its ModelServers', {
    answers: { 200: [json(Deleted)] },
    errors: [400, 403, 404, 409, 500, 503],
    wildcard: 'name',
  }),
  ollamaPull: operationOf('pull', 'Pulls a model, as `ollama pull` does', {
    api: 'Ollama',
    answers: progress,
    errors: ollamaErrors,
  }),
  ollamaDelete: operationOf('delete', 'Deletes a Model and its ModelServers, as `ollama rm` does', {
    api: 'Ollama',
    answers: { 200: [] },
    errors: ollamaErrors,
  }),
};

const manage = { access: ['manage'] } as const;
const read = { access: ['read', 'manage'] } as const;

/** What changes which models there are. Each call leaves a line in the log that says who did what to what. */
export function managementRoutes(app: App, management: Management, admission: Admission): void {
  auditRefusals(app);
  const namespaceOf = (asked: string | undefined): string => asked ?? management.namespace;

  const asPull = { schema: { body: PullRequest }, config: { ...manage, operation: operations.pull } };
  app.post('/models/pull', asPull, async (request, reply) => {
    const { stream, namespace: asked, ...rest } = request.body;
    const wanted = wantedOf(rest, management);
    const namespace = namespaceOf(asked);
    const lines = await audited(request, 'pull', `${namespace}/${wanted.name}`, () =>
      pull(management, namespace, wanted, admission.signalOf(request)),
    );
    return answerWith(request, reply, lines, stream);
  });

  const asLoad = { schema: { body: LoadRequest }, config: { ...manage, operation: operations.load } };
  app.post('/models/load', asLoad, async (request, reply) => {
    const {
      stream,
      namespace: asked,
      server,
      replicas,
      gpus,
      context_size,
      parallel,
      name,
      ...rest
    } = request.body;
    const signal = admission.signalOf(request);
    const namespace = namespaceOf(asked);
    const options = { server, replicas, gpus, context_size, parallel, servedName: name };
    const there = existing(management, rest.model_id ?? name, asked);
    const wanted = there ? undefined : wantedOf({ ...rest, name: needed(name, rest.model_id) }, management);
    const key = there ?? { namespace, name: wanted?.name ?? '' };
    const lines = await audited(request, 'load', `${key.namespace}/${key.name}`, async () => {
      if (wanted) await pull(management, namespace, wanted, signal);
      return load(management, key, options, signal);
    });
    return answerWith(request, reply, lines, stream);
  });

  const asUnload = { schema: { body: UnloadRequest }, config: { ...manage, operation: operations.unload } };
  app.post('/models/unload', asUnload, async (request): Promise<z.infer<typeof Unloaded>> => {
    const { name, model_id: id } = request.body;
    const asked = name ?? id ?? '';
    return {
      status: 'unloaded',
      servers: await audited(request, 'unload', asked, () => unload(management, asked)),
    };
  });

  app.get(
    '/api/models',
    { config: { ...read, operation: operations.list } },
    (): z.infer<typeof Catalog> => ({
      models: catalog(management.names),
    }),
  );

  const asDelete = { config: { ...manage, operation: operations.delete } };
  app.delete<{ Params: { '*': string } }>(
    '/models/*',
    asDelete,
    async (request): Promise<z.infer<typeof Deleted>> => {
      const asked = request.params['*'];
      return {
        status: 'deleted',
        model: await audited(request, 'delete', asked, () => remove(management, asked)),
      };
    },
  );

  const asOllamaPull = {
    schema: { body: OllamaPullRequest },
    config: { ...manage, operation: operations.ollamaPull },
  };
  app.post('/api/pull', asOllamaPull, async (request, reply) => {
    const { model, name, stream } = request.body;
    const asked = needed(model || name, undefined);
    const source = /^(hf\.co|huggingface\.co)\//.test(asked) ? 'huggingface' : 'ollama';
    const wanted = wantedOf({ name: asked, source }, management);
    const { namespace } = management;
    const lines = await audited(request, 'pull', `${namespace}/${wanted.name}`, () =>
      pull(management, namespace, wanted, admission.signalOf(request)),
    );
    return answerWith(request, reply, lines, stream);
  });

  const asOllamaDelete = {
    schema: { body: OllamaDeleteRequest },
    config: { ...manage, operation: operations.ollamaDelete },
  };
  app.delete('/api/delete', asOllamaDelete, async (request, reply) => {
    const { model, name } = request.body;
    const asked = needed(model || name, undefined);
    await audited(request, 'delete', asked, () => remove(management, asked));
    return reply.send();
  });
}

function needed(name: string | undefined, id: string | undefined): string {
  if (name !== undefined && name !== '') return name;
  if (id === undefined)
    throw new Refusal(400, 'name: name the model.', { code: 'invalid_request', param: 'name' });
  throw new Refusal(404, `There is no Model "${id}" here, and name says none to pull.`, {
    code: 'model_not_found',
  });
}

/** The Model that is there already, in a namespace or in any. */
function existing(
  management: Management,
  asked: string | undefined,
  namespace: string | undefined,
): Key | undefined {
  try {
    const key = keyOf(modelOf(management, namespace === undefined ? (asked ?? '') : `${namespace}/${asked}`));
    return namespace === undefined || key.namespace === namespace ? key : undefined;
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}
