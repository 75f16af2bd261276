import type { Model } from '../../api/model.ts';
import type { ModelServer, ModelServerStatus } from '../../api/modelserver.ts';
import { partsNamed } from '../../api/runtime-options.ts';
import {
  deployments,
  networkPolicies,
  podDisruptionBudgets,
  services,
  type Deployment,
  type NetworkPolicy,
  type Node,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  type ResourceSlice,
  type Service,
  type ServiceAccount,
} from '../../kube/builtin.ts';
import type { Reconcile } from '../../kube/controller.ts';
import type { Informer } from '../../kube/informer.ts';
import { formatKey, keyOf, type KubeObject, type Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { act, type Actor } from '../act.ts';
import { modelServers } from '../kinds.ts';
import type { PodPoller } from '../pod-poller.ts';
import { decide, soonest, withSeen, type Child, type ChildRef, type Step } from '../step.ts';
import { availability, awaitReplicas } from './available.ts';
import { weightsClaims } from './claims.ts';
import { holdModel } from './hold.ts';
import { podsToAsk } from './load-poller.ts';
import { loadWeights } from './load-weights.ts';
import { resolveModel } from './model.ts';
import { partsOf } from './parts.ts';
import { mountFailures } from './pods/mount-failures.ts';
import { waitsForVolumes } from './pods/troubles.ts';
import { provideWorkload } from './provide.ts';
import { countReplicas } from './replicas.ts';
import { runtimeImage, type RuntimeImages } from './runtime-image.ts';
import { finishRollout, rolloutStanding } from './rollout/standing.ts';
import { placePods } from './scheduled.ts';
import type { ServerView } from './view.ts';
import type { ServerSurroundings } from './workload/objects.ts';

/** What it takes to make a ModelServer true, in order. */
export const steps: readonly Step<ServerView, ModelServerStatus>[] = [
  { run: countReplicas }, // for people and autoscalers: kubectl get modelservers, kubectl scale
  { condition: 'ModelReady', run: resolveModel }, // what the Model has published
  { run: provideWorkload }, // Deployment and Service
  { condition: 'Scheduled', run: placePods }, // a node for each pod
  { condition: 'Loaded', run: loadWeights }, // the weights in memory, progress on the way
  { condition: 'RolledOut', run: finishRollout, meanwhile: rolloutStanding }, // in the place of what served before
  { condition: 'Available', run: awaitReplicas, meanwhile: availability }, // answers at the endpoint
];

export interface ServerCaches {
  models: Informer<Model>;
  modelServers: Informer<ModelServer>;
  deployments: Informer<Deployment>;
  services: Informer<Service>;
  serviceAccounts: Informer<ServiceAccount>;
  networkPolicies: Informer<NetworkPolicy>;
  budgets: Informer<PodDisruptionBudget>;
  pods: Informer<Pod>;
  /** Those that Longshore has made, and the others. */
  claims: Informer<PersistentVolumeClaim>;
  otherClaims: Informer<PersistentVolumeClaim>;
  /** Undefined where they may not be read (docs/adr/0027). */
  nodes: Informer<Node> | undefined;
  devices: Informer<ResourceSlice> | undefined;
}

export interface ServerReconcilerOptions {
  caches: ServerCaches;
  actor: Actor;
  /** The images of the runtime. */
  images: RuntimeImages;
  /** What all servers have in common. */
  surroundings: ServerSurroundings;
  loads: Pick<PodPoller<LoadState>, 'follow'>;
}

export function serverReconciler({ actor, ...options }: ServerReconcilerOptions): Reconcile {
  const { caches, loads } = options;
  const mounts = mountFailures(actor.client, actor.now);
  return async (key, signal) => {
    const server = caches.modelServers.get(key.namespace, key.name);
    if (!server || server.metadata.deletionTimestamp !== undefined) {
      // Deployment and Service are owned by it: the garbage collector cleans up.
      loads.follow(key, []);
      return {};
    }
    const stuck = caches.pods.by('server', formatKey(key)).filter(waitsForVolumes);
    const facts = { mountFailures: await mounts.of(stuck, signal) };
    const now = actor.now();
    const { generation } = server.metadata;
    const decideBy = (status: ModelServer['status'], seen: readonly ChildRef[]) =>
      decide(steps, gather(server, seen, { ...options, ...facts, now }), { status, generation, now });
    const cached = (child: Child) => cachedChild(caches, child);
    const used = [server.spec.modelRef, ...partsNamed(server.spec.runtime)];
    const hold = async () => {
      for (const { name } of used) {
        await holdModel(actor.client, caches.models.get(key.namespace, name), signal);
      }
    };
    const acted = await act(actor, { kind: modelServers, object: server }, decideBy, cached, signal, hold);
    return { recheckAfter: soonest(acted.recheckAfter, mounts.secondsToNext(stuck)) };
  };
}

/** `seen`: children that the caches do not have yet. */
function gather(
  server: Live<ModelServer>,
  seen: readonly ChildRef[],
  {
    caches,
    images,
    surroundings,
    loads,
    mountFailures: mounts,
    now,
  }: Omit<ServerReconcilerOptions, 'actor'> & Pick<ServerView, 'mountFailures' | 'now'>,
): ServerView {
  const { namespace, name, uid } = server.metadata;
  const pods = caches.pods.by('server', `${namespace}/${name}`);
  const model = caches.models.get(namespace, server.spec.modelRef.name);
  const parts = partsOf(server, (part) => caches.models.get(namespace, part));
  return {
    server,
    model,
    parts,
    deployment: withSeen(deployments, caches.deployments.byOwner(uid), seen)[0],
    service: withSeen(services, caches.services.byOwner(uid), seen)[0],
    networkPolicies: withSeen(networkPolicies, caches.networkPolicies.byOwner(uid), seen),
    budgets: withSeen(podDisruptionBudgets, caches.budgets.byOwner(uid), seen),
    pods,
    loads: loads.follow(keyOf(server), podsToAsk(server, model, pods)),
    mountFailures: mounts,
    claims: weightsClaims(server, model?.status?.artifact, parts, (claim) =>
      claimOf(caches, namespace, claim),
    ),
    nodes: caches.nodes?.list(),
    devices: caches.devices?.list(),
    image: runtimeImage(server.spec.gpu, images),
    surroundings,
    now,
  };
}

/** A claim of the namespace, and the pods of servers that mount it. */
function claimOf({ claims, otherClaims, pods }: ServerCaches, namespace: string, name: string) {
  const claim = claims.get(namespace, name) ?? otherClaims.get(namespace, name);
  return claim && { claim, pods: pods.by('claim', formatKey({ namespace, name })) };
}

function cachedChild(caches: ServerCaches, { kind, object }: Child): Live<KubeObject> | undefined {
  const { namespace, name } = object.metadata;
  switch (kind.kind) {
    case 'Deployment':
      return caches.deployments.get(namespace, name);
    case 'Service':
      return caches.services.get(namespace, name);
    case 'ServiceAccount':
      return caches.serviceAccounts.get(namespace, name);
    case 'NetworkPolicy':
      return caches.networkPolicies.get(namespace, name);
    case 'PodDisruptionBudget':
      return caches.budgets.get(namespace, name);
    default:
      return undefined;
  }
}
