import type { Model, ModelStatus, PullerOptions } from '../../api/model.ts';
import {
  jobs,
  persistentVolumeClaims,
  type Job,
  type PersistentVolumeClaim,
  type Pod,
  type StorageClass,
} from '../../kube/builtin.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Reconcile } from '../../kube/controller.ts';
import type { Informer } from '../../kube/informer.ts';
import { keyOf, type KubeObject, type Live } from '../../kube/kind.ts';
import type { PullerProgress } from '../../protocols/puller.ts';
import { act, type Actor } from '../act.ts';
import { models } from '../kinds.ts';
import { labels } from '../labels.ts';
import type { PodPoller } from '../pod-poller.ts';
import { isRetained } from '../retention.ts';
import { decide, withSeen, type Child, type ChildRef, type Step } from '../step.ts';
import { collectOldRevisions } from './collect.ts';
import { pullArtifact } from './pull.ts';
import { resolveSource } from './resolve.ts';
import type { ModelView } from './view.ts';
import { followReclaimPolicy, provideVolume } from './volume.ts';

/** What it takes to make a Model true, in order. */
export const steps: readonly Step<ModelView, ModelStatus>[] = [
  { run: followReclaimPolicy }, // what a deletion of the Model would leave
  { condition: 'Resolved', run: resolveSource }, // inspect Job -> commit, size, GGUF facts
  { condition: 'StorageReady', run: provideVolume }, // a claim of the right size for that commit
  { condition: 'Pulled', run: pullArtifact }, // pull Job -> verified files, progress on the way -> status.artifact
  { run: collectOldRevisions }, // what the new revision has replaced
];

export interface ModelCaches {
  models: Informer<Model>;
  modelServers: Informer<ModelServer>;
  jobs: Informer<Job>;
  pods: Informer<Pod>;
  claims: Informer<PersistentVolumeClaim>;
  /** Undefined where they may not be read (docs/adr/0014). */
  storageClasses: Informer<StorageClass> | undefined;
}

export interface ModelReconcilerOptions {
  caches: ModelCaches;
  actor: Actor;
  /** The image of the puller, and what holds for it where the Model says nothing. */
  image: string;
  defaults: PullerOptions;
  progress: Pick<PodPoller<PullerProgress>, 'follow'>;
}

export function modelReconciler({ actor, ...options }: ModelReconcilerOptions): Reconcile {
  const { caches, progress } = options;
  return async (key, signal) => {
    const model = caches.models.get(key.namespace, key.name);
    if (!model || model.metadata.deletionTimestamp !== undefined) {
      // What goes with a Model is owned by it: the garbage collector cleans up.
      progress.follow(key, []);
      return {};
    }
    const now = actor.now();
    const { generation } = model.metadata;
    const decideBy = (status: Model['status'], seen: readonly ChildRef[]) =>
      decide(steps, gather(model, seen, { ...options, now }), { status, generation, now });
    const cached = (child: Child) => cachedChild(caches, child);
    return act(actor, { kind: models, object: model }, decideBy, cached, signal);
  };
}

/** `seen`: children that the caches do not have yet. */
function gather(
  model: Live<Model>,
  seen: readonly ChildRef[],
  { caches, image, defaults, now, progress }: Omit<ModelReconcilerOptions, 'actor'> & { now: Date },
): ModelView {
  const { namespace, name, uid } = model.metadata;
  const ours = withSeen(jobs, caches.jobs.byOwner(uid), seen);
  const pods = ours.flatMap((job) => caches.pods.byOwner(job.metadata.uid));
  const pulling = pods.filter((pod) => pod.metadata.labels?.[labels.task] === 'pull');
  const retained = caches.claims
    .by('model', `${namespace}/${name}`)
    .filter((claim) => isRetained(claim, name));
  const servers = caches.modelServers.by('model', `${namespace}/${name}`);
  return {
    model,
    jobs: ours,
    pods,
    claims: withSeen(persistentVolumeClaims, [...caches.claims.byOwner(uid), ...retained], seen),
    storageClasses: caches.storageClasses?.list(),
    claimsInUse: new Set(servers.flatMap(({ status }) => status?.model?.claimName ?? [])),
    progress: progress.follow(keyOf(model), pulling),
    image,
    defaults,
    now,
  };
}

function cachedChild(caches: ModelCaches, { kind, object }: Child): Live<KubeObject> | undefined {
  const { namespace, name } = object.metadata;
  switch (kind.kind) {
    case 'Job':
      return caches.jobs.get(namespace, name);
    case 'PersistentVolumeClaim':
      return caches.claims.get(namespace, name);
    default:
      return undefined;
  }
}
