import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { models, modelServers } from '../controllers/kinds.ts';
import { labels, managedBySelector } from '../controllers/labels.ts';
import type { ModelCaches } from '../controllers/model/reconcile.ts';
import type { ServerCaches } from '../controllers/modelserver/reconcile.ts';
import {
  deployments,
  jobs,
  persistentVolumeClaims,
  pods,
  services,
  storageClasses,
  type PersistentVolumeClaim,
  type StorageClass,
} from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import { Informer } from '../kube/informer.ts';
import { formatKey, type Kind, type KubeObject, type Live, type Ref } from '../kube/kind.ts';
import type { Log } from '../kube/log.ts';
import type { Observe } from '../kube/observing.ts';
import { isDefaultClass } from '../kube/storage-class.ts';
import {
  itself,
  labelled,
  ownerOf,
  referred,
  referrers,
  related,
  trigger,
  unless,
} from '../kube/triggers.ts';
import { pruneDeployment, pruneJob, prunePod, pruneStorageClass } from './prune.ts';

export type Caches = ModelCaches & ServerCaches;

/**
 * Two kinds of ours, and of everything else only what carries our label; the StorageClasses of the cluster too, for an
 * operator of all namespaces: the right to read those cannot be given in one namespace (docs/adr/0014).
 */
export function startCaches(
  { client, namespace, log }: { client: KubeClient; namespace: string | undefined; log: Log },
  onInvalid: (object: Live<KubeObject>, error: Error) => void,
): Caches {
  const ours = <T extends KubeObject>(
    kind: Kind<T>,
    indexes: Record<string, (object: Live<T>) => readonly string[]> = {},
    prune?: (object: Live<T>) => Live<T>,
  ): Informer<T> =>
    new Informer({ client, kind, log, namespace, labelSelector: managedBySelector, indexes, prune });

  return {
    models: new Informer<Model>({ client, kind: models, log, namespace, onInvalid }),
    modelServers: new Informer<ModelServer>({
      client,
      kind: modelServers,
      log,
      namespace,
      onInvalid,
      indexes: { model: ({ metadata, spec }) => [`${metadata.namespace}/${spec.modelRef.name}`] },
    }),
    jobs: ours(jobs, {}, pruneJob),
    pods: ours(pods, { server: namedBy(labels.server) }, prunePod),
    claims: ours(persistentVolumeClaims, { model: namedBy(labels.model), phase: phaseOf }),
    deployments: ours(deployments, {}, pruneDeployment),
    services: ours(services),
    storageClasses:
      namespace === undefined
        ? new Informer({ client, kind: storageClasses, log, prune: pruneStorageClass })
        : undefined,
  };
}

/** Puts what the operator's own writes are answered with into the cache of their kind. */
export function observedBy(caches: Caches): Observe {
  const informers = new Map(
    Object.entries({
      [models.plural]: caches.models,
      [modelServers.plural]: caches.modelServers,
      [jobs.plural]: caches.jobs,
      [persistentVolumeClaims.plural]: caches.claims,
      [deployments.plural]: caches.deployments,
      [services.plural]: caches.services,
    }) as [string, Informer<KubeObject>][],
  );
  return (kind, object) => informers.get(kind.plural)?.observe(object);
}

/** Finds objects by the Model or ModelServer of their namespace that a label names. */
function namedBy(label: string): (object: Live<KubeObject>) => string[] {
  return (object) => labelled(label)(object).map(formatKey);
}

function phaseOf({ status }: PersistentVolumeClaim): string[] {
  return status?.phase === undefined ? [] : [status.phase];
}

/**
 * Which object has to be looked at again when another one changes, and how urgently. To be called when the controllers
 * are about to start: everything that is there is enqueued at once.
 */
export function wire(
  caches: Caches,
  { model, server }: Record<'model' | 'server', Pick<Controller, 'enqueue'>>,
): void {
  trigger(caches.models, itself(), model);
  trigger(caches.models, referrers(caches.modelServers, 'model'), server);

  trigger(caches.modelServers, itself(), server);
  // A claim that a server stopped using may be collected.
  trigger(caches.modelServers, unless(usesSame, referred(usedModel)), model);

  trigger(caches.jobs, related(ownerOf(models)), model);
  trigger(caches.claims, related(ownerOf(models)), model);
  trigger(caches.deployments, related(ownerOf(modelServers)), server);
  trigger(caches.services, related(ownerOf(modelServers)), server);

  // A pod belongs to a Job or a ReplicaSet, a retained claim to nothing; labels name whose they are in the end.
  trigger(caches.claims, related(labelled(labels.model)), model);
  trigger(caches.pods, related(labelled(labels.model)), model);
  trigger(caches.pods, related(labelled(labels.server)), server);

  // All whose claim has no volume yet: which class it lacks does not matter, what is said of that names those there are.
  const waiting = referrers<StorageClass, PersistentVolumeClaim>(caches.claims, 'phase', {
    under: () => 'Pending',
    to: labelled(labels.model),
  });
  if (caches.storageClasses) trigger(caches.storageClasses, unless(servesSame, waiting), model);
}

function usedModel({ metadata, spec }: ModelServer): Ref[] {
  return [{ namespace: metadata.namespace, name: spec.modelRef.name }];
}

/** Whether two versions of a class serve the same claims. */
function servesSame(one: StorageClass, other: StorageClass): boolean {
  return isDefaultClass(one) === isDefaultClass(other);
}

/** Whether two versions of a server keep the same claim of the same Model from being collected. */
function usesSame(one: ModelServer, other: ModelServer): boolean {
  return (
    one.spec.modelRef.name === other.spec.modelRef.name &&
    one.status?.model?.claimName === other.status?.model?.claimName
  );
}
