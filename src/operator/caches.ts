import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { models, modelServers } from '../controllers/kinds.ts';
import { labels, managedBySelector } from '../controllers/labels.ts';
import type { ModelCaches } from '../controllers/model/reconcile.ts';
import type { ServerCaches } from '../controllers/modelserver/reconcile.ts';
import { deployments, jobs, persistentVolumeClaims, pods, services } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Controller } from '../kube/controller.ts';
import { Informer } from '../kube/informer.ts';
import { controllerOf, keyOf, type Kind, type KubeObject, type Live } from '../kube/kind.ts';
import type { Log } from '../kube/log.ts';

export type Caches = ModelCaches & ServerCaches;

/** Two kinds of ours, and of everything else only what carries our label. */
export function startCaches(
  { client, namespace, log }: { client: KubeClient; namespace: string | undefined; log: Log },
  onInvalid: (object: Live<KubeObject>, error: Error) => void,
): Caches {
  const labelled = <T extends KubeObject>(
    kind: Kind<T>,
    indexes: Record<string, (object: Live<T>) => readonly string[]> = {},
  ): Informer<T> => new Informer({ client, kind, log, namespace, labelSelector: managedBySelector, indexes });

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
    jobs: labelled(jobs),
    pods: labelled(pods, { server: namedBy(labels.server) }),
    claims: labelled(persistentVolumeClaims, { model: namedBy(labels.model) }),
    deployments: labelled(deployments),
    services: labelled(services),
  };
}

/** Finds objects by the Model or ModelServer of their namespace that a label names. */
function namedBy(label: string): (object: Live<KubeObject>) => string[] {
  return ({ metadata }) => {
    const name = metadata.labels?.[label];
    return name === undefined ? [] : [`${metadata.namespace}/${name}`];
  };
}

/** Which object has to be looked at again when another one changes. */
export function wire(caches: Caches, controllers: { model: Controller; server: Controller }): void {
  const { model, server } = controllers;
  caches.models.onChange(({ object }) => {
    model.enqueue(keyOf(object));
    const { namespace, name } = keyOf(object);
    for (const dependent of caches.modelServers.by('model', `${namespace}/${name}`))
      server.enqueue(keyOf(dependent));
  });
  caches.modelServers.onChange(({ object }) => {
    server.enqueue(keyOf(object));
    // A claim that this server stopped using may be collected.
    model.enqueue({ namespace: keyOf(object).namespace, name: object.spec.modelRef.name });
  });
  const toOwner = (object: Live<KubeObject>): void => {
    const owner = controllerOf(object);
    const controller =
      owner?.kind === models.kind ? model : owner?.kind === modelServers.kind ? server : undefined;
    if (owner) controller?.enqueue({ namespace: keyOf(object).namespace, name: owner.name });
  };
  for (const cache of [
    caches.jobs,
    caches.claims,
    caches.deployments,
    caches.services,
  ] as Informer<KubeObject>[]) {
    cache.onChange(({ object }) => toOwner(object));
  }
  // A pod belongs to a Job or a ReplicaSet, a retained claim to nothing; labels name whose they are in the end.
  for (const cache of [caches.pods, caches.claims] as Informer<KubeObject>[]) {
    cache.onChange(({ object }) => {
      const { namespace } = keyOf(object);
      const { [labels.model]: modelName, [labels.server]: serverName } = object.metadata.labels ?? {};
      if (modelName !== undefined) model.enqueue({ namespace, name: modelName });
      if (serverName !== undefined) server.enqueue({ namespace, name: serverName });
    });
  }
}
