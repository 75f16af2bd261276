import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { models, modelServers } from '../controllers/kinds.ts';
import { labels, managedBySelector } from '../controllers/labels.ts';
import type { ModelCaches } from '../controllers/model/reconcile.ts';
import type { ServerCaches } from '../controllers/modelserver/reconcile.ts';
import { deployments, jobs, persistentVolumeClaims, pods, services } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import { Informer, type Change } from '../kube/informer.ts';
import { controllerOf, keyOf, type Kind, type KubeObject, type Live } from '../kube/kind.ts';
import type { Log } from '../kube/log.ts';
import type { Observe } from '../kube/observing.ts';
import { priorityAbout, priorityOf, type Priority } from '../kube/priority.ts';
import { pruneJob, prunePod } from './prune.ts';

export type Caches = ModelCaches & ServerCaches;

/** Two kinds of ours, and of everything else only what carries our label. */
export function startCaches(
  { client, namespace, log }: { client: KubeClient; namespace: string | undefined; log: Log },
  onInvalid: (object: Live<KubeObject>, error: Error) => void,
): Caches {
  const labelled = <T extends KubeObject>(
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
    jobs: labelled(jobs, {}, pruneJob),
    pods: labelled(pods, { server: namedBy(labels.server) }, prunePod),
    claims: labelled(persistentVolumeClaims, { model: namedBy(labels.model) }),
    deployments: labelled(deployments),
    services: labelled(services),
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
  return ({ metadata }) => {
    const name = metadata.labels?.[label];
    return name === undefined ? [] : [`${metadata.namespace}/${name}`];
  };
}

/**
 * Which object has to be looked at again when another one changes, and how urgently. To be called when the controllers
 * are about to start: everything that is there is enqueued at once.
 */
export function wire(
  caches: Caches,
  controllers: Record<'model' | 'server', Pick<Controller, 'enqueue'>>,
): void {
  const { model, server } = controllers;
  caches.models.onChange((change) => {
    const { namespace, name } = keyOf(change.object);
    model.enqueue({ namespace, name }, priorityOfOurs(change));
    for (const dependent of caches.modelServers.by('model', `${namespace}/${name}`))
      server.enqueue(keyOf(dependent), priorityAbout(change));
  });
  caches.modelServers.onChange((change) => {
    const { object, old = object } = change;
    const { namespace, name } = keyOf(object);
    server.enqueue({ namespace, name }, priorityOfOurs(change));
    if (change.type === 'modified' && usesSame(object, old)) return;
    // A claim that this server stopped using may be collected.
    for (const { spec } of [object, old])
      model.enqueue({ namespace, name: spec.modelRef.name }, priorityAbout(change));
  });
  for (const cache of [
    caches.jobs,
    caches.claims,
    caches.deployments,
    caches.services,
  ] as Informer<KubeObject>[]) {
    cache.onChange((change) => {
      const owner = controllerOf(change.object);
      const controller =
        owner?.kind === models.kind ? model : owner?.kind === modelServers.kind ? server : undefined;
      const { namespace } = keyOf(change.object);
      if (owner) controller?.enqueue({ namespace, name: owner.name }, priorityAbout(change));
    });
  }
  // A pod belongs to a Job or a ReplicaSet, a retained claim to nothing; labels name whose they are in the end.
  for (const cache of [caches.pods, caches.claims] as Informer<KubeObject>[]) {
    cache.onChange((change) => {
      const { namespace } = keyOf(change.object);
      const { [labels.model]: modelName, [labels.server]: serverName } = change.object.metadata.labels ?? {};
      if (modelName !== undefined) model.enqueue({ namespace, name: modelName }, priorityAbout(change));
      if (serverName !== undefined) server.enqueue({ namespace, name: serverName }, priorityAbout(change));
    });
  }
}

/** What was there at the start comes first among that when nobody has looked at it as it is now. */
function priorityOfOurs(change: Change<Model> | Change<ModelServer>): Priority {
  const priority = priorityOf(change);
  const { metadata, status } = change.object;
  return priority === 'backlog' && status?.observedGeneration !== metadata.generation ? 'event' : priority;
}

/** Whether two versions of a server keep the same claim of the same Model from being collected. */
function usesSame(one: ModelServer, other: ModelServer): boolean {
  return (
    one.spec.modelRef.name === other.spec.modelRef.name &&
    one.status?.model?.claimName === other.status?.model?.claimName
  );
}
