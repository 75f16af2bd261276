import type { Model } from '../../api/model.ts';
import type { ModelServer, ModelServerStatus } from '../../api/modelserver.ts';
import type { Deployment, Pod, Service } from '../../kube/builtin.ts';
import type { Reconcile } from '../../kube/controller.ts';
import type { Informer } from '../../kube/informer.ts';
import type { KubeObject, Live } from '../../kube/kind.ts';
import { LoadState, runtimePort } from '../../protocols/runtime.ts';
import { act, type Actor } from '../act.ts';
import { modelServers } from '../kinds.ts';
import { pollPod, type Fetch } from '../poll.ts';
import { decide, type Child, type Step } from '../step.ts';
import { resolveModel, runWorkload } from './steps.ts';
import type { ServerView } from './view.ts';

/** What it takes to make a ModelServer true, in order. */
export const steps: readonly Step<ServerView, ModelServerStatus>[] = [
  { condition: 'ModelReady', run: resolveModel }, // what the Model has published
  { condition: 'Available', run: runWorkload }, // Deployment and Service, load progress on the way -> endpoint
];

export interface ServerCaches {
  models: Informer<Model>;
  modelServers: Informer<ModelServer>;
  deployments: Informer<Deployment>;
  services: Informer<Service>;
  pods: Informer<Pod>;
}

export interface ServerReconcilerOptions {
  caches: ServerCaches;
  actor: Actor;
  /** The image of the runtime. */
  image: string;
  fetch?: Fetch | undefined;
}

export function serverReconciler({ caches, actor, image, fetch }: ServerReconcilerOptions): Reconcile {
  return async (key, signal) => {
    const server = caches.modelServers.get(key.namespace, key.name);
    // Deployment and Service are owned by it: the garbage collector cleans up.
    if (!server || server.metadata.deletionTimestamp !== undefined) return {};

    const view = await gather(server, { caches, image, fetch });
    const { generation } = server.metadata;
    const decision = decide(steps, view, { status: server.status, generation, now: actor.now() });
    const cached = (child: Child) => cachedChild(caches, child);
    return act(actor, { kind: modelServers, object: server }, decision, cached, signal);
  };
}

async function gather(
  server: Live<ModelServer>,
  { caches, image, fetch }: { caches: ServerCaches; image: string; fetch: Fetch | undefined },
): Promise<ServerView> {
  const { namespace, name } = server.metadata;
  const pods = caches.pods.by('server', `${namespace}/${name}`);
  return {
    server,
    model: caches.models.get(namespace, server.spec.modelRef.name),
    deployment: caches.deployments.byOwner(server.metadata.uid)[0],
    service: caches.services.byOwner(server.metadata.uid)[0],
    pods,
    loads: await pollLoads(pods, fetch),
    image,
  };
}

/** Asks the pods how far they are, and how they chat; those that do not answer at once are left out. */
async function pollLoads(pods: Live<Pod>[], fetch: Fetch | undefined): Promise<Map<string, LoadState>> {
  const loads = new Map<string, LoadState>();
  await Promise.all(
    pods.map(async (pod) => {
      const answer = LoadState.safeParse(await pollPod(pod, runtimePort, '/load', fetch));
      if (answer.success) loads.set(pod.metadata.name, answer.data);
    }),
  );
  return loads;
}

function cachedChild(caches: ServerCaches, { kind, object }: Child): Live<KubeObject> | undefined {
  const { namespace, name } = object.metadata;
  switch (kind.kind) {
    case 'Deployment':
      return caches.deployments.get(namespace, name);
    case 'Service':
      return caches.services.get(namespace, name);
    default:
      return undefined;
  }
}
