import { isDeepStrictEqual } from 'node:util';
import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import { keptRevisions } from '../api/rollout.ts';
import { partsNamed } from '../api/runtime-options.ts';
import { models, modelServers } from '../controllers/kinds.ts';
import { inUseFinalizer, labels, managedBySelector, unmanagedSelector } from '../controllers/labels.ts';
import { mountedBy } from '../controllers/model/storage/claim-users.ts';
import { namedClaim } from '../controllers/model/storage/claim.ts';
import { isForced, modelsUsedBy } from '../controllers/model/deletion.ts';
import type { ModelCaches } from '../controllers/model/reconcile.ts';
import { hasEnded } from '../controllers/pods.ts';
import type { ServerCaches } from '../controllers/modelserver/reconcile.ts';
import {
  deployments,
  jobs,
  networkPolicies,
  nodes,
  persistentVolumeClaims,
  podDisruptionBudgets,
  pods,
  resourceSlices,
  serviceAccounts,
  services,
  storageClasses,
  type Job,
  type Node,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  type ResourceSlice,
  type StorageClass,
} from '../kube/builtin.ts';
import { sleep, type Sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { findCondition } from '../kube/conditions.ts';
import type { Controller } from '../kube/controller.ts';
import { hasFinalizer } from '../kube/finalizers.ts';
import { Informer } from '../kube/informer.ts';
import { formatKey, keyOf, type Kind, type KubeObject, type Live, type Ref } from '../kube/kind.ts';
import type { Log } from '../kube/log.ts';
import type { Observe } from '../kube/observing.ts';
import { allowsExpansion, isDefaultClass } from '../kube/storage-class.ts';
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
import {
  pruneBudget,
  pruneClaim,
  pruneDeployment,
  pruneDevices,
  pruneJob,
  pruneNode,
  prunePod,
  pruneStorageClass,
} from './prune.ts';

export type Caches = ModelCaches & ServerCaches;

/**
 * Two kinds of ours, and of everything else only what carries our label; of claims a few words on the others too, since
 * a Model may name any of its namespace. StorageClasses and nodes for an operator of all namespaces: the right to read
 * those cannot be given in one namespace (docs/adr/0014, docs/adr/0027).
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
    models: new Informer<Model>({
      client,
      kind: models,
      log,
      namespace,
      onInvalid,
      indexes: { claim: (model) => claimsOf(model).map(formatKey) },
    }),
    modelServers: new Informer<ModelServer>({
      client,
      kind: modelServers,
      log,
      namespace,
      onInvalid,
      indexes: { model: (server) => usedModels(server).map(formatKey), state: stateOf },
    }),
    jobs: ours(
      jobs,
      {
        model: namedBy(labels.model),
        claimUid: ({ metadata }) => [metadata.labels?.[labels.claimUid] ?? []].flat(),
      },
      pruneJob,
    ),
    pods: ours(
      pods,
      {
        server: namedBy(labels.server),
        model: namedBy(labels.model),
        claim: (pod) =>
          serverClaims(pod).map((name) => formatKey({ namespace: pod.metadata.namespace, name })),
      },
      prunePod,
    ),
    claims: ours(persistentVolumeClaims, { model: namedBy(labels.model), phase: phaseOf, class: classOf }),
    otherClaims: new Informer({
      client,
      kind: persistentVolumeClaims,
      log,
      namespace,
      labelSelector: unmanagedSelector,
      indexes: { uid: ({ metadata }) => [metadata.uid], phase: phaseOf },
      prune: pruneClaim,
    }),
    deployments: ours(deployments, {}, pruneDeployment),
    services: ours(services),
    serviceAccounts: ours(serviceAccounts),
    networkPolicies: ours(networkPolicies),
    budgets: ours(podDisruptionBudgets, {}, pruneBudget),
    storageClasses:
      namespace === undefined
        ? new Informer({ client, kind: storageClasses, log, prune: pruneStorageClass })
        : undefined,
    nodes: namespace === undefined ? new Informer({ client, kind: nodes, log, prune: pruneNode }) : undefined,
    devices:
      namespace === undefined
        ? new Informer({ client, kind: resourceSlices, log, prune: pruneDevices, optional: true })
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
      [serviceAccounts.plural]: caches.serviceAccounts,
      [networkPolicies.plural]: caches.networkPolicies,
      [podDisruptionBudgets.plural]: caches.budgets,
    }) as [string, Informer<KubeObject>][],
  );
  return (kind, object) => informers.get(kind.plural)?.observe(object);
}

/**
 * Puts the pull Jobs that run by now into the cache: the last thing that an earlier leader did may have been to make one,
 * of which the watch has yet to tell.
 */
export async function seeRunningPulls(
  { jobs: cache }: Pick<Caches, 'jobs'>,
  { client, namespace, log, pause = sleep }: SeeingOptions,
  signal: AbortSignal,
): Promise<void> {
  const labelSelector = `${managedBySelector},${labels.task}=pull`;
  while (!signal.aborted) {
    try {
      const { items } = await client.list(jobs, {
        namespace,
        labelSelector,
        fieldSelector: 'status.successful=0',
        signal,
      });
      for (const job of items) cache.observe(job);
      return;
    } catch (error) {
      log.warn({ err: error }, 'which pulls run could not be listed');
      await pause(1000, signal).catch(() => undefined);
    }
  }
}

interface SeeingOptions {
  client: Pick<KubeClient, 'list'>;
  namespace: string | undefined;
  log: Log;
  /** Between two tries. */
  pause?: Sleep;
}

/** Finds objects by the Model or ModelServer of their namespace that a label names. */
function namedBy(label: string): (object: Live<KubeObject>) => string[] {
  return (object) => labelled(label)(object).map(formatKey);
}

function phaseOf({ status }: PersistentVolumeClaim): string[] {
  return status?.phase === undefined ? [] : [status.phase];
}

function classOf({ spec }: PersistentVolumeClaim): string[] {
  return spec?.storageClassName === undefined ? [] : [spec.storageClassName];
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
  // Not when it says how far a pull is, or how many servers there are: each that comes would wake all others.
  trigger(caches.models, unless(publishesSame, referrers(caches.modelServers, 'model')), server);

  trigger(caches.modelServers, itself(), server);
  // A claim that a server stopped using may be collected, and so may what it used on a shared one.
  trigger(caches.modelServers, unless(usesSame, referred(usedModels)), model);
  const leftOn = collectable(caches);
  const claimOfServer = ({ metadata: { namespace }, status }: ModelServer): Ref[] =>
    keptRevisions(status).flatMap(({ claimName }) => leftOn({ namespace, name: claimName }));
  trigger(caches.modelServers, unless(usesSame, referred(claimOfServer)), model);
  const claimsOfPod = (pod: Live<Pod>): Ref[] =>
    serverClaims(pod).flatMap((name) => leftOn({ namespace: pod.metadata.namespace, name }));
  trigger(caches.pods, unless(lastsAlike, related(claimsOfPod)), model);

  trigger(caches.jobs, related(ownerOf(models)), model);
  // What outlives a Model is looked at under its name.
  trigger(caches.jobs, related(labelled(labels.model)), model);
  trigger(caches.claims, related(ownerOf(models)), model);
  trigger(caches.deployments, related(ownerOf(modelServers)), server);
  trigger(caches.services, related(ownerOf(modelServers)), server);
  trigger(caches.serviceAccounts, related(ownerOf(modelServers)), server);
  trigger(caches.networkPolicies, related(ownerOf(modelServers)), server);
  // Not when it says how many pods may go: that changes with every pod, of which the pods themselves tell.
  trigger(caches.budgets, unless(isSameBudget, related(ownerOf(modelServers))), server);

  // What the spec names, and what there is a note of.
  trigger(caches.otherClaims, unless(isUsableAlike, referrers(caches.models, 'claim')), model);
  const noted = referrers<PersistentVolumeClaim, Job>(caches.jobs, 'claimUid', {
    under: ({ metadata }) => metadata.uid,
    to: labelled(labels.model),
  });
  trigger(caches.otherClaims, unless(isUsableAlike, noted), model);

  const waitingServers = referrers<KubeObject, ModelServer>(caches.modelServers, 'state', {
    under: () => 'waiting',
  });
  if (caches.nodes) trigger(caches.nodes, unless(hasSameRoom, waitingServers), server);
  if (caches.devices) trigger(caches.devices, unless(hasSameDevices, waitingServers), server);

  // A pod belongs to a Job or a ReplicaSet, a retained claim to nothing; labels name whose they are in the end.
  trigger(caches.claims, related(labelled(labels.model)), model);
  trigger(caches.pods, related(labelled(labels.model)), model);
  trigger(caches.pods, related(labelled(labels.server)), server);

  // All whose claim has no volume yet: which class it lacks does not matter, what is said of that names those there are.
  const waiting = referrers<StorageClass, PersistentVolumeClaim>(caches.claims, 'phase', {
    under: () => 'Pending',
    to: labelled(labels.model),
  });
  const waitingElsewhere = referrers<StorageClass, PersistentVolumeClaim>(caches.otherClaims, 'phase', {
    under: () => 'Pending',
    to: (claim) => caches.models.by('claim', formatKey(keyOf(claim))).map(keyOf),
  });
  const ofClass = referrers<StorageClass, PersistentVolumeClaim>(caches.claims, 'class', {
    under: ({ metadata }) => metadata.name,
    to: labelled(labels.model),
  });
  if (caches.storageClasses) {
    trigger(caches.storageClasses, unless(servesSame, waiting), model);
    trigger(caches.storageClasses, unless(servesSame, waitingElsewhere), model);
    // Claims that were refused to grow.
    trigger(caches.storageClasses, unless(growsSame, ofClass), model);
  }
}

/** Of a server: whether it waits for a node, or for a load that its node may be too small for. */
function stateOf({ status }: ModelServer): string[] {
  const isReady = findCondition(status?.conditions, 'Ready')?.status === 'True';
  return isReady ? [] : ['waiting'];
}

/** Whether two versions of a node have the same room. */
function hasSameRoom(one: Live<Node>, other: Live<Node>): boolean {
  return (
    isDeepStrictEqual(one.metadata.labels, other.metadata.labels) &&
    isDeepStrictEqual(one.status?.allocatable, other.status?.allocatable)
  );
}

function hasSameDevices(one: Live<ResourceSlice>, other: Live<ResourceSlice>): boolean {
  return isDeepStrictEqual(one.spec.devices, other.spec.devices);
}

/** Models, and names of those that are gone, that have something to be collected on a claim that is not theirs. */
function collectable({ models: all, jobs: noted, otherClaims }: Caches): (claim: Ref) => Ref[] {
  return (claim) => {
    const { namespace = '', name } = claim;
    const uid = otherClaims.get(namespace, name)?.metadata.uid;
    if (uid === undefined) return [];
    const replaced = all
      .by('claim', formatKey(claim))
      .filter(({ status }) => (status?.storage?.replaced?.length ?? 0) > 0);
    const left = noted.by('claimUid', uid).filter(({ metadata: { labels: told } }) => {
      const living = all.get(namespace, told?.[labels.model] ?? '');
      return living?.metadata.uid !== told?.[labels.modelUid];
    });
    return [...replaced.map(keyOf), ...left.flatMap(labelled(labels.model))];
  };
}

function usedModels(server: Live<ModelServer>): Ref[] {
  return modelsUsedBy(server).map((name) => ({ namespace: server.metadata.namespace, name }));
}

/** Whether two versions of a class let their claims grow alike. */
function growsSame(one: StorageClass, other: StorageClass): boolean {
  return allowsExpansion(one) === allowsExpansion(other);
}

/** Whether two versions of a class serve the same claims. */
function servesSame(one: StorageClass, other: StorageClass): boolean {
  return isDefaultClass(one) === isDefaultClass(other);
}

/** Whether two versions of a Model are the same to its servers: what is published, and what they say of one that is not. */
function publishesSame(now: Live<Model>, before: Live<Model>): boolean {
  const [{ status: one }, { status: other }] = [now, before];
  // Somebody else took it off: a server puts it back.
  const isLetGo = hasFinalizer(before, inUseFinalizer) && !hasFinalizer(now, inUseFinalizer);
  return (
    !isLetGo &&
    isForced(now) === isForced(before) &&
    isDeepStrictEqual([one?.artifact, standing(one)], [other?.artifact, standing(other)])
  );
}

function standing(status: Model['status']): unknown[] {
  const ready = findCondition(status?.conditions, 'Ready');
  const isStalled = findCondition(status?.conditions, 'Stalled')?.status === 'True';
  return [ready?.reason, isStalled && ready?.message];
}

/** Whether two versions of a budget ask for the same: the caches do not keep more of it. */
function isSameBudget(one: Live<PodDisruptionBudget>, other: Live<PodDisruptionBudget>): boolean {
  return isDeepStrictEqual(wishOf(one), wishOf(other));
}

function wishOf({ metadata, spec }: Live<PodDisruptionBudget>): unknown {
  const { resourceVersion: _, ...same } = metadata;
  return [same, spec];
}

/** Whether two versions of a server keep the same of the same Models from going. */
function usesSame(one: ModelServer, other: ModelServer): boolean {
  return isDeepStrictEqual(useOf(one), useOf(other));
}

function useOf({ metadata, spec, status }: ModelServer): unknown[] {
  const ready = findCondition(status?.conditions, 'Ready')?.status;
  const named = partsNamed(spec.runtime).map(({ name }) => name);
  return [metadata.deletionTimestamp, spec.modelRef.name, named, keptRevisions(status), ready];
}

/** Whether two versions of a pod use their claims alike: for as long as it has not ended. */
function lastsAlike(one: Live<Pod>, other: Live<Pod>): boolean {
  return hasEnded(one) === hasEnded(other);
}

/** Whether two versions of a claim can be used alike. */
function isUsableAlike(one: Live<PersistentVolumeClaim>, other: Live<PersistentVolumeClaim>): boolean {
  const [{ metadata, ...rest }, { metadata: before, ...restBefore }] = [one, other];
  return metadata.deletionTimestamp === before.deletionTimestamp && isDeepStrictEqual(rest, restBefore);
}

/** Of a Model: the claim that its spec names, and the one that its artifact is on. */
function claimsOf({ metadata: { namespace }, spec, status }: Live<Model>): Ref[] {
  const names = new Set([namedClaim(spec)?.name, status?.artifact?.claimName]);
  return [...names].flatMap((name) => (name === undefined ? [] : { namespace, name }));
}

/** Of a pod of a server: the claims that it mounts. */
function serverClaims(pod: Live<Pod>): string[] {
  return pod.metadata.labels?.[labels.server] === undefined ? [] : mountedBy(pod);
}
