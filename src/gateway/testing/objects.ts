import type { z } from 'zod';
import { apiVersion } from '../../api/kubernetes.ts';
import { ModelSpec, type Model } from '../../api/model.ts';
import { ModelServerSpec, type ModelServer } from '../../api/modelserver.ts';
import { labels } from '../../controllers/labels.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Condition } from '../../kube/conditions.ts';
import type { Change } from '../../kube/informer.ts';
import { formatKey, keyOf, type Key, type KubeObject, type Live } from '../../kube/kind.ts';
import { Store, type Indexer } from '../../kube/store.ts';
import { indexes, type Caches } from '../caches.ts';
import type { Written } from '../management/objects.ts';

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

export function aModel(
  name: string,
  { status, source = { huggingFace: { repo: 'owner/name' } }, ...choices }: ModelChoices = {},
): Live<Model> {
  return {
    apiVersion,
    kind: 'Model',
    metadata: metadataOf(name, choices),
    spec: ModelSpec.parse({ source }),
    ...(status && { status }),
  };
}

type ModelChoices = Choices & {
  status?: NonNullable<Model['status']>;
  source?: z.input<typeof ModelSpec>['source'];
};

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

/** What a Model has published, of 42 bytes. */
export const anArtifact = {
  revision: 'r',
  digest: `sha256:${'a'.repeat(64)}`,
  content: 'c',
  sizeBytes: 42,
  claimName: 'claim',
  claimUid: 'uid',
  path: 'p',
  fileCount: 1,
  files: [],
};

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

/** Caches with these objects, and ways to put others there and take them away. */
export function cachesOf({ models = [], servers = [], pods = [] }: Partial<Objects> = {}) {
  const all = {
    models: new PlayedCache<Model>(indexes.models, models),
    servers: new PlayedCache<ModelServer>(indexes.servers, servers),
    pods: new PlayedCache<Pod>(indexes.pods, pods),
  } satisfies Caches;
  return {
    ...all,
    put(objects: Partial<Objects>): void {
      for (const model of objects.models ?? []) all.models.put(model);
      for (const server of objects.servers ?? []) all.servers.put(server);
      for (const pod of objects.pods ?? []) all.pods.put(pod);
    },
  };
}

interface Objects {
  models: Live<Model>[];
  servers: Live<ModelServer>[];
  pods: Live<Pod>[];
}

/** An informer's cache in the hands of a test. */
class PlayedCache<T extends KubeObject> implements Written<T> {
  readonly #store: Store<T>;
  readonly #handlers = new Set<(change: Change<T>) => void>();

  constructor(by: Record<string, Indexer<T>>, objects: readonly Live<T>[]) {
    this.#store = new Store<T>(by);
    for (const object of objects) this.#store.set(object);
  }

  get(namespace: string, name: string): Live<T> | undefined {
    return this.#store.get(formatKey({ namespace, name }));
  }

  list(namespace?: string): Live<T>[] {
    return this.#store
      .all()
      .filter((object) => namespace === undefined || object.metadata.namespace === namespace);
  }

  by(index: string, value: string): Live<T>[] {
    return this.#store.by(index, value);
  }

  onChange(handler: (change: Change<T>) => void): () => void {
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  put(object: Live<T>): void {
    this.#store.set(object);
    for (const handler of this.#handlers) handler({ type: 'added', object });
  }

  remove({ namespace, name }: Key): void {
    const object = this.get(namespace, name);
    if (!object) return;
    this.#store.delete(formatKey({ namespace, name }));
    for (const handler of this.#handlers) handler({ type: 'deleted', object });
  }
}

function chosen(choices: { [K in keyof Choices]: Choices[K] | undefined }): Choices {
  return Object.fromEntries(Object.entries(choices).filter(([, value]) => value !== undefined));
}
