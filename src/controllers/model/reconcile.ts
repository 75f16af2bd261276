import type { Model, ModelStatus } from '../../api/model.ts';
import type { Job, PersistentVolumeClaim, Pod } from '../../kube/builtin.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Reconcile } from '../../kube/controller.ts';
import type { Informer } from '../../kube/informer.ts';
import type { KubeObject, Live } from '../../kube/kind.ts';
import { act, type Actor } from '../act.ts';
import { models } from '../kinds.ts';
import { labels } from '../labels.ts';
import type { Fetch } from '../poll.ts';
import { isRetained } from '../retention.ts';
import { decide, type Child, type Step } from '../step.ts';
import { collectOldRevisions } from './collect.ts';
import { pollProgress } from './progress.ts';
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
}

export interface ModelReconcilerOptions {
  caches: ModelCaches;
  actor: Actor;
  /** The image of the puller. */
  image: string;
  fetch?: Fetch | undefined;
}

export function modelReconciler({ caches, actor, image, fetch }: ModelReconcilerOptions): Reconcile {
  return async (key, signal) => {
    const model = caches.models.get(key.namespace, key.name);
    // What goes with a Model is owned by it: the garbage collector cleans up.
    if (!model || model.metadata.deletionTimestamp !== undefined) return {};

    const view = await gather(model, { caches, image, now: actor.now(), fetch });
    const { generation } = model.metadata;
    const decision = decide(steps, view, { status: model.status, generation, now: view.now });
    const cached = (child: Child) => cachedChild(caches, child);
    return act(actor, { kind: models, object: model }, decision, cached, signal);
  };
}

async function gather(
  model: Live<Model>,
  { caches, image, now, fetch }: { caches: ModelCaches; image: string; now: Date; fetch: Fetch | undefined },
): Promise<ModelView> {
  const { namespace, name, uid } = model.metadata;
  const jobs = caches.jobs.byOwner(uid);
  const pods = jobs.flatMap((job) => caches.pods.byOwner(job.metadata.uid));
  const pulling = pods.filter((pod) => pod.metadata.labels?.[labels.task] === 'pull');
  const retained = caches.claims
    .by('model', `${namespace}/${name}`)
    .filter((claim) => isRetained(claim, name));
  const servers = caches.modelServers.by('model', `${namespace}/${name}`);
  return {
    model,
    jobs,
    pods,
    claims: [...caches.claims.byOwner(uid), ...retained],
    claimsInUse: new Set(servers.flatMap(({ status }) => status?.model?.claimName ?? [])),
    progress: await pollProgress(pulling, fetch),
    image,
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
