import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';
import { nameOfSource } from '../../sources/model-name.ts';
import { json, text, type Operation } from '../../http-server/openapi/operation.ts';
import {
  ollamaDetails,
  OllamaRunning,
  OllamaTags,
  OllamaVersion,
  ollamaVersion,
} from '../../protocols/ollama/models.ts';
import { ListedModel, ModelList } from '../../protocols/openai/models.ts';
import type { App } from '../app.ts';
import { anyScope, open } from '../authorization.ts';
import { modifiedAt } from '../describe.ts';
import type { ContextSizes } from '../context-sizes.ts';
import { byName, find, namesOf, type Names } from '../names.ts';
import type { Replicas } from '../replicas.ts';
import { notReady, unknownModel } from '../standing.ts';

type Described = Pick<Operation, 'summary' | 'answers'> & Partial<Pick<Operation, 'errors' | 'wildcard'>>;

const operationOf = (id: string, api: Operation['api'], described: Described): { operation: Operation } => ({
  operation: { id, api, errors: [503], ...described },
});

const root = operationOf('running', 'Ollama', {
  summary: 'The words `Ollama is running`',
  answers: { 200: [text] },
  errors: [],
});
const version = operationOf('version', 'Ollama', {
  summary: 'The release of Ollama whose API this is',
  answers: { 200: [json(OllamaVersion)] },
  errors: [],
});
const list = operationOf('listModels', 'OpenAI', {
  summary: 'Every ModelServer, under each of its names',
  answers: { 200: [json(ModelList)] },
});
const one = operationOf('retrieveModel', 'OpenAI', {
  summary: 'A ModelServer, by any of its names',
  answers: { 200: [json(ListedModel)] },
  errors: [400, 404, 503],
  wildcard: 'model',
});
const listTags = operationOf('tags', 'Ollama', {
  summary: 'Every Model that is pulled, under the names of its servers, or else its own',
  answers: { 200: [json(OllamaTags)] },
});
const ps = operationOf('ps', 'Ollama', {
  summary: 'Every ModelServer that takes requests',
  answers: { 200: [json(OllamaRunning)] },
});

export interface Listing {
  names: Names;
  replicas: Replicas;
  contextSizes: ContextSizes;
}

/** What there is, as both APIs list it. */
export function modelRoutes(app: App, { names, replicas, contextSizes }: Listing): void {
  // Clients look at the very words. Fastify answers HEAD as it does GET.
  app.get('/', { config: { ...open, ...root } }, (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('Ollama is running'),
  );

  app.get('/v1/models', { config: { ...anyScope, ...list } }, (): ModelList => {
    const data = byName(names.caches.servers.list()).flatMap((server) =>
      namesOf(names, server).map((name) => listed(name, server)),
    );
    return { object: 'list', data: unique(data, ({ id }) => id) };
  });

  app.get<{ Params: { '*': string } }>(
    '/v1/models/*',
    { config: { ...anyScope, ...one } },
    (request): ListedModel => {
      const asked = request.params['*'];
      const found = find(names, asked);
      if (!found) throw unknownModel(asked);
      if (!found.servers) throw notReady(asked, found);
      return listed(asked, found.servers[0]);
    },
  );

  app.get('/api/version', { config: { ...open, ...version } }, (): OllamaVersion => ({
    version: ollamaVersion,
  }));

  app.get('/api/tags', { config: { ...anyScope, ...listTags } }, (): OllamaTags => ({ models: tags(names) }));

  app.get('/api/ps', { config: { ...anyScope, ...ps } }, async (): Promise<OllamaRunning> => ({
    models: await running({ names, replicas, contextSizes }),
  }));
}

function listed(id: string, { metadata }: Live<ModelServer>): ListedModel {
  const created = Math.floor(Date.parse(metadata.creationTimestamp ?? '') / 1000) || 0;
  return { id, object: 'model', created, owned_by: metadata.namespace };
}

/** What is pulled: under the names of its servers, or, where none serves it, by what its source calls it, or by its own. */
function tags(names: Names): OllamaTags['models'] {
  const { models, servers } = names.caches;
  const served = byName(servers.list()).flatMap((server) => {
    const model = models.get(server.metadata.namespace, server.spec.modelRef.name);
    return model ? namesOf(names, server).map((name) => tag(name, model)) : [];
  });
  const others = byName(models.list()).flatMap((model) => {
    const { namespace, name } = model.metadata;
    const known = [nameOfSource(model.spec.source), name, `${namespace}/${name}`];
    const its = known.find(
      (each) => each !== undefined && find(names, each)?.model?.metadata.uid === model.metadata.uid,
    );
    const isServed = servers.by('model', name).some((server) => server.metadata.namespace === namespace);
    return isServed || its === undefined ? [] : [tag(its, model)];
  });
  const all = [...served, ...others].filter((each) => each !== undefined);
  return unique(all, ({ name }) => name);
}

function tag(name: string, model: Live<Model>): OllamaTags['models'][number] | undefined {
  const { artifact, gguf } = model.status ?? {};
  if (!artifact) return undefined;
  return {
    name,
    model: name,
    size: artifact.sizeBytes,
    digest: artifact.digest.replace(/^sha256:/, ''),
    details: ollamaDetails(gguf),
    modified_at: modifiedAt(model),
  };
}

/** When a model that stays is unloaded; far away, and not so far that a client's clock overflows. */
const never = '2300-01-01T00:00:00.000Z';

/** What takes requests now, by what its Model says that it needs. */
async function running({ names, replicas, contextSizes }: Listing): Promise<OllamaRunning['models']> {
  const serving = byName(names.caches.servers.list()).flatMap((server) => {
    const [replica] = replicas.ready([server]);
    return replica ? [{ server, replica }] : [];
  });
  const derived = serving.filter(({ server }) => server.spec.runtime.contextSize === undefined);
  const sizes = await contextSizes.of(derived.map(({ replica }) => replica));
  return serving.flatMap(({ server, replica }) => {
    const { spec, metadata } = server;
    const model = names.caches.models.get(metadata.namespace, spec.modelRef.name);
    const [name = metadata.name] = namesOf(names, server);
    const listed = model && tag(name, model);
    if (!listed) return [];
    const { modified_at: _, ...rest } = listed;
    const size = model.status?.memory?.weightsBytes ?? rest.size;
    return {
      ...rest,
      size,
      size_vram: spec.gpu.count > 0 ? size : 0,
      expires_at: never,
      context_length: spec.runtime.contextSize ?? sizes.get(replica.uid) ?? 0,
    };
  });
}

/** The first of each key. */
function unique<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.toReversed().map((item) => [key(item), item])).values()].toReversed();
}
