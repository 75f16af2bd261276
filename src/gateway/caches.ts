import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { models, modelServers } from '../controllers/kinds.ts';
import { labels, managedBySelector } from '../controllers/labels.ts';
import { pods, type Pod } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { formatKey, keyOf, type KubeObject, type Live } from '../kube/kind.ts';
import type { Log } from '../kube/log.ts';
import type { Indexer } from '../kube/store.ts';
import { canonicalName, nameOfSource } from '../sources/model-name.ts';

/** What the gateway knows of the cluster, and how it looks things up. */
export interface Caches {
  models: Cache<Model>;
  servers: Cache<ModelServer>;
  pods: Cache<Pod>;
}

export type Cache<T extends KubeObject> = Pick<Informer<T>, 'get' | 'list' | 'by'>;

/** A name as Ollama completes it: one without a tag has its usual one. */
export const tagged = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`);

/** The lookups that `names.ts` and `replicas.ts` go by. */
export const indexes = {
  models: {
    name: ({ metadata }) => [metadata.name],
    source: ({ spec }) => {
      const name = nameOfSource(spec.source);
      return name === undefined ? [] : [canonicalName(name)];
    },
  },
  servers: {
    name: ({ metadata }) => [metadata.name],
    servedName: ({ spec }) => (spec.servedNames ?? []).map(tagged),
    model: ({ spec }) => [spec.modelRef.name],
  },
  pods: {
    server: ({ metadata: { namespace, labels: its } }) => {
      const name = its?.[labels.server];
      return name === undefined ? [] : [formatKey({ namespace, name })];
    },
  },
} satisfies {
  models: Record<string, Indexer<Model>>;
  servers: Record<string, Indexer<ModelServer>>;
  pods: Record<string, Indexer<Pod>>;
};

interface CacheOptions {
  client: Pick<KubeClient, 'list' | 'watch'>;
  /** Absent: all namespaces. */
  namespace: string | undefined;
  log: Log;
}

/** Caches of both kinds of ours, and of the pods of servers as far as requests can be sent to them. */
export function gatewayCaches({ client, namespace, log }: CacheOptions): {
  models: Informer<Model>;
  servers: Informer<ModelServer>;
  pods: Informer<Pod>;
} {
  const common = { client, namespace, log };
  return {
    models: new Informer<Model>({ ...common, kind: models, indexes: indexes.models }),
    servers: new Informer<ModelServer>({ ...common, kind: modelServers, indexes: indexes.servers }),
    pods: new Informer<Pod>({
      ...common,
      kind: pods,
      labelSelector: `${managedBySelector},${labels.server}`,
      indexes: indexes.pods,
      prune: prunePod,
    }),
  };
}

/** Whose pod it is, its address, and whether it is ready. */
function prunePod({ apiVersion, kind, metadata, status = {} }: Live<Pod>): Live<Pod> {
  const { name, uid, resourceVersion, creationTimestamp, deletionTimestamp } = metadata;
  const { phase, podIP, conditions } = status;
  const ready = conditions?.filter(({ type }) => type === 'Ready');
  const server = metadata.labels?.[labels.server];
  return {
    apiVersion,
    kind,
    metadata: {
      ...keyOf({ metadata }),
      name,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      ...(server !== undefined && { labels: { [labels.server]: server } }),
    },
    status: {
      ...(phase !== undefined && { phase }),
      ...(podIP !== undefined && { podIP }),
      ...(ready && { conditions: ready.map(({ type, status }) => ({ type, status })) }),
    },
  };
}
