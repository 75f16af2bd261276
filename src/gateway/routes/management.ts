import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Admission } from '../admission.ts';
import type { App } from '../app.ts';
import { callerOf } from '../authorization.ts';
import { bodyOf } from '../json-body.ts';
import { keyOf, type Key } from '../../kube/kind.ts';
import { catalog } from '../management/catalog.ts';
import { load, modelOf, pull, remove, unload, type Management } from '../management/manage.ts';
import { answerWith } from '../management/stream.ts';
import { parseBody, PullRequest, wantedOf } from '../management/wanted.ts';
import { Refusal } from '../refusal.ts';

const LoadRequest = PullRequest.partial({ name: true }).extend({
  replicas: z.int().min(0).max(1000).optional(),
  gpus: z.int().min(0).max(16).optional(),
  context_size: z.int().min(64).max(16_777_216).optional(),
  parallel: z.int().min(1).max(64).optional(),
});

const Named = z
  .strictObject({
    name: z.string().min(1).max(700).optional(),
    model_id: z.string().min(1).max(300).optional(),
  })
  .refine(
    ({ name, model_id: id }) => (name === undefined) !== (id === undefined),
    'name the model: name or model_id',
  );

/** What Ollama's clients send to pull and to delete. `insecure` is for registries without TLS, which are not asked. */
const OllamaNamed = z.looseObject({
  model: z.string().max(700).optional(),
  name: z.string().max(700).optional(),
  stream: z.boolean().default(true),
  insecure: z.literal(false, 'insecure: registries are asked over TLS alone').optional(),
});

const manage = { access: ['manage'] } as const;
const read = { access: ['read', 'manage'] } as const;

/** What changes which models there are. Each call leaves a line in the log that says who did what to what. */
export function managementRoutes(app: App, management: Management, admission: Admission): void {
  const namespaceOf = (asked: string | undefined): string => asked ?? management.namespace;

  app.post('/models/pull', { config: manage }, async (request, reply) => {
    const { stream, namespace: asked, ...rest } = parseBody(PullRequest, bodyOf(request).json);
    const wanted = wantedOf(rest, management);
    const namespace = namespaceOf(asked);
    const lines = await audited(request, 'pull', `${namespace}/${wanted.name}`, () =>
      pull(management, namespace, wanted, admission.signalOf(request)),
    );
    return answerWith(request, reply, lines, stream);
  });

  app.post('/models/load', { config: manage }, async (request, reply) => {
    const body = parseBody(LoadRequest, bodyOf(request).json);
    const { stream, namespace: asked, replicas, gpus, context_size, parallel, name, ...rest } = body;
    const signal = admission.signalOf(request);
    const namespace = namespaceOf(asked);
    const options = { replicas, gpus, context_size, parallel, servedName: name };
    const there = existing(management, rest.model_id ?? name, asked);
    const wanted = there ? undefined : wantedOf({ ...rest, name: needed(name, rest.model_id) }, management);
    const key = there ?? { namespace, name: wanted?.name ?? '' };
    const lines = await audited(request, 'load', `${key.namespace}/${key.name}`, async () => {
      if (wanted) await pull(management, namespace, wanted, signal);
      return load(management, key, options, signal);
    });
    return answerWith(request, reply, lines, stream);
  });

  app.post('/models/unload', { config: manage }, async (request) => {
    const { name, model_id: id } = parseBody(Named, bodyOf(request).json);
    const asked = name ?? id ?? '';
    return {
      status: 'unloaded',
      servers: await audited(request, 'unload', asked, () => unload(management, asked)),
    };
  });

  app.get('/api/models', { config: read }, () => ({ models: catalog(management.names) }));

  app.delete<{ Params: { '*': string } }>('/models/*', { config: manage }, async (request) => {
    const asked = request.params['*'];
    return {
      status: 'deleted',
      model: await audited(request, 'delete', asked, () => remove(management, asked)),
    };
  });

  app.post('/api/pull', { config: manage }, async (request, reply) => {
    const { model, name = model, stream } = parseBody(OllamaNamed, bodyOf(request).json);
    const asked = needed(name, undefined);
    const source = /^(hf\.co|huggingface\.co)\//.test(asked) ? 'huggingface' : 'ollama';
    const wanted = wantedOf({ name: asked, source }, management);
    const { namespace } = management;
    const lines = await audited(request, 'pull', `${namespace}/${wanted.name}`, () =>
      pull(management, namespace, wanted, admission.signalOf(request)),
    );
    return answerWith(request, reply, lines, stream);
  });

  app.delete('/api/delete', { config: manage }, async (request, reply) => {
    const { model, name = model } = parseBody(OllamaNamed, bodyOf(request).json);
    const asked = needed(name, undefined);
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

/** Says in the log who did what to what, and how that ended. */
async function audited<T>(
  request: FastifyRequest,
  action: string,
  model: string,
  act: () => Promise<T>,
): Promise<T> {
  const who = { audit: action, model, caller: callerOf(request)?.name ?? 'anybody', address: request.ip };
  try {
    const result = await act();
    request.log.info({ ...who, outcome: 'done' }, 'managed');
    return result;
  } catch (error) {
    const outcome = error instanceof Refusal ? (error.code ?? 'failed') : 'failed';
    request.log.info({ ...who, outcome }, 'managed');
    throw error;
  }
}
