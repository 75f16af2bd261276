import type { z } from 'zod';
import { apiVersion } from '../../api/kubernetes.ts';
import { ModelSpec, type Model } from '../../api/model.ts';
import { ModelServerSpec, type ModelServer } from '../../api/modelserver.ts';
import { labels } from '../../controllers/labels.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Condition } from '../../kube/conditions.ts';
import { formatKey, keyOf, type KubeObject, type Live } from '../../kube/kind.ts';
import { Store, type Indexer } from '../../kube/store.ts';
import { indexes, type Cache, type Caches } from '../caches.ts';

interface Choices {
  namespace?: string;
  /** Later ones are younger. */
  creationTimestamp?: string;
  deletionTimestamp?: string;
}

let made = 0;

function metadataOf(name: string, { namespace = 'team', creationTimestamp, deletionTimestamp }: Choices) {
  made += 1;
  return {
    name,
    namespace,
    uid: `uid-${made}`,
    resourceVersion: String(made),
    generation: 1,
    creationTimestamp: creationTimestamp ?? '2026-01-01T00:00:00Z',
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  };
}

export function aServer(
  name: string,
  { status, namespace, creationTimestamp, deletionTimestamp, ...spec }: ServerChoices = {},
): Live<ModelServer> {
  return {
    apiVersion,
    kind: 'ModelServer',
    metadata: metadataOf(name, chosen({ namespace, creationTimestamp, deletionTimestamp })),
    spec: ModelServerSpec.parse({ modelRef: { name: `${name}-weights` }, ...spec }),
    ...(status && { status }),
  };
}

type ServerChoices = Choices &
  Partial<z.input<typeof ModelServerSpec>> & { status?: NonNullable<ModelServer['status']> };

export function aModel(name: string, { status, ...choices }: ModelChoices = {}): Live<Model> {
  return {
    apiVersion,
    kind: 'Model',
    metadata: metadataOf(name, choices),
    spec: ModelSpec.parse({ source: { huggingFace: { repo: 'owner/name' } } }),
    ...(status && { status }),
  };
}

type ModelChoices = Choices & { status?: NonNullable<Model['status']> };

/** A pod of a server that is ready at this address. */
export function aPod(
  server: Live<ModelServer>,
  podIP: string,
  more: { ready?: boolean; phase?: string } & Choices = {},
): Live<Pod> {
  const { ready = true, phase = 'Running', ...choices } = more;
  const { namespace, name } = keyOf(server);
  const metadata = metadataOf(`${name}-${podIP}`, { ...choices, namespace });
  return {
    metadata: { ...metadata, labels: { [labels.server]: name } },
    status: {
      phase,
      podIP,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

export function conditions(
  ...all: [type: string, status: Condition['status'], reason: string, message?: string][]
) {
  return all.map(([type, status, reason, message = '']) => ({
    type,
    status,
    reason,
    message,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  }));
}

/** Caches with these objects, and a way to put others there. */
export function cachesOf({ models = [], servers = [], pods = [] }: Partial<Objects> = {}): Caches & {
  put: (objects: Partial<Objects>) => void;
} {
  const all = {
    models: storeOf(models, indexes.models),
    servers: storeOf(servers, indexes.servers),
    pods: storeOf(pods, indexes.pods),
  };
  return {
    models: cacheOf(all.models),
    servers: cacheOf(all.servers),
    pods: cacheOf(all.pods),
    put(objects) {
      for (const model of objects.models ?? []) all.models.set(model);
      for (const server of objects.servers ?? []) all.servers.set(server);
      for (const pod of objects.pods ?? []) all.pods.set(pod);
    },
  };
}

interface Objects {
  models: Live<Model>[];
  servers: Live<ModelServer>[];
  pods: Live<Pod>[];
}

function storeOf<T extends KubeObject>(
  objects: readonly Live<T>[],
  by: Record<string, Indexer<T>>,
): Store<T> {
  const store = new Store<T>(by);
  for (const object of objects) store.set(object);
  return store;
}

function cacheOf<T extends KubeObject>(store: Store<T>): Cache<T> {
  return {
    get: (namespace, name) => store.get(formatKey({ namespace, name })),
    list: (namespace) =>
      store.all().filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    by: (index, value) => store.by(index, value),
  };
}

function chosen(choices: { [K in keyof Choices]: Choices[K] | undefined }): Choices {
  return Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));
}
