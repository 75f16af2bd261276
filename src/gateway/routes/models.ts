import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';
import { nameOfSource } from '../../sources/model-name.ts';
import type { OllamaRunning, OllamaTags, OllamaVersion } from '../../protocols/ollama/models.ts';
import { ollamaDetails, ollamaVersion } from '../../protocols/ollama/models.ts';
import type { ListedModel, ModelList } from '../../protocols/openai/models.ts';
import type { App } from '../app.ts';
import { anyScope, open } from '../authorization.ts';
import { modifiedAt } from '../describe.ts';
import { byName, find, namesOf, type Names } from '../names.ts';
import type { Replicas } from '../replicas.ts';
import { notReady, unknownModel } from '../standing.ts';

/** What there is, as both APIs list it. */
export function modelRoutes(app: App, names: Names, replicas: Replicas): void {
  // Clients look at the very words. Fastify answers HEAD as it does GET.
  app.get('/', { config: open }, (_request, reply) =>
    reply.type('text/plain; charset=utf-8').send('Ollama is running'),
  );

  const config = anyScope;
  app.get('/v1/models', { config }, (): ModelList => {
    const data = byName(names.caches.servers.list()).flatMap((server) =>
      namesOf(names, server).map((name) => listed(name, server)),
    );
    return { object: 'list', data: unique(data, ({ id }) => id) };
  });

  app.get<{ Params: { '*': string } }>('/v1/models/*', { config }, (request): ListedModel => {
    const asked = request.params['*'];
    const found = find(names, asked);
    if (!found) throw unknownModel(asked);
    if (!found.servers) throw notReady(asked, found);
    return listed(asked, found.servers[0]);
  });

  app.get('/api/version', { config: open }, (): OllamaVersion => ({ version: ollamaVersion }));

  app.get('/api/tags', { config }, (): OllamaTags => ({ models: tags(names) }));

  app.get('/api/ps', { config }, (): OllamaRunning => ({ models: running(names, replicas) }));
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
function running(names: Names, replicas: Replicas): OllamaRunning['models'] {
  return byName(names.caches.servers.list()).flatMap((server) => {
    const { spec, metadata } = server;
    const model = names.caches.models.get(metadata.namespace, spec.modelRef.name);
    const [name = metadata.name] = namesOf(names, server);
    const listed = model && replicas.ready([server]).length > 0 && tag(name, model);
    if (!listed) return [];
    const { modified_at: _, ...rest } = listed;
    const size = model.status?.memory?.weightsBytes ?? rest.size;
    return {
      ...rest,
      size,
      size_vram: spec.gpu.count > 0 ? size : 0,
      expires_at: never,
      context_length: spec.runtime.contextSize ?? 0,
    };
  });
}

/** The first of each key. */
function unique<T>(items: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(items.toReversed().map((item) => [key(item), item])).values()].toReversed();
}
