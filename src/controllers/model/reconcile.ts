import type { ModelStatus } from '../../api/model-status.ts';
import type { Model } from '../../api/model.ts';
import type { PullerOptions } from '../../api/puller-options.ts';
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
import { formatKey, keyOf, type Key, type KubeObject, type Live } from '../../kube/kind.ts';
import type { PullerProgress } from '../../protocols/puller.ts';
import { hasFinalizer, removeFinalizer } from '../../kube/finalizers.ts';
import { act, type Actor } from '../act.ts';
import { models } from '../kinds.ts';
import { inUseFinalizer, labels } from '../labels.ts';
import type { PodPoller } from '../pod-poller.ts';
import { isAtWork } from '../pods.ts';
import { isDisowned, isRetained, standsForFiles } from '../retention.ts';
import {
  decide,
  soonest,
  withSeen,
  type Child,
  type ChildRef,
  type RefusedChild,
  type Step,
} from '../step.ts';
import { hasEnded } from './jobs/attempts.ts';
import { unsettledServers } from './storage/claim-users.ts';
import { namedClaim } from './storage/claim.ts';
import { collectLeftovers } from './collect/collect-leftovers.ts';
import { collectOldRevisions } from './collect/collect.ts';
import { isHeldForNobody, stepsWhileKept } from './deletion.ts';
import type { Task } from './jobs/jobs.ts';
import type { LeftoverView } from './collect/leftovers.ts';
import { useNamedClaim } from './storage/named-claim.ts';
import { startsPull, type PullQueue } from './pull/pull-queue.ts';
import { podRefusals } from './jobs/pod-refusals.ts';
import { pullArtifact } from './pull/pull.ts';
import { resolveSource } from './source/resolve.ts';
import { countServers } from './servers.ts';
import { leaveQueue } from './pull/turn.ts';
import { hasPublished, type ModelView } from './view.ts';
import { followReclaimPolicy } from './storage/reclaim-policy.ts';
import { provideVolume } from './storage/volume.ts';

/** What it takes to make a Model true, in order. */
export const steps: readonly Step<ModelView, ModelStatus>[] = [
  { run: countServers }, // for people: kubectl get models
  { run: leaveQueue }, // until its pull asks for its turn again
  { run: followReclaimPolicy }, // what a deletion of the Model would leave
  { condition: 'Resolved', run: resolveSource }, // inspect Job -> commit, size, GGUF facts
  { condition: 'StorageReady', run: provideVolume }, // a claim of the right size for that commit
  { condition: 'Pulled', run: pullArtifact }, // pull Job -> verified files, progress on the way -> status.artifact
  { run: collectOldRevisions }, // what the new revision has replaced
];

/** The same where the spec names a claim: it is there before anything is asked, and may hold the source itself. */
export const stepsOnNamedClaim: readonly Step<ModelView, ModelStatus>[] = [
  { run: countServers },
  { run: leaveQueue },
  { run: followReclaimPolicy },
  { condition: 'StorageReady', run: useNamedClaim }, // whether it can be used, and a note of what comes onto it
  { condition: 'Resolved', run: resolveSource },
  { condition: 'Pulled', run: pullArtifact },
  { run: collectOldRevisions }, // claims of its own, and what a new revision has replaced on this one
];

export interface ModelCaches {
  models: Informer<Model>;
  modelServers: Informer<ModelServer>;
  jobs: Informer<Job>;
  pods: Informer<Pod>;
  claims: Informer<PersistentVolumeClaim>;
  /** Those that Longshore has not made. */
  otherClaims: Informer<PersistentVolumeClaim>;
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
  /** Whose pull starts next. */
  pulls: Pick<PullQueue, 'turnOf' | 'heed' | 'settle'>;
}

export function modelReconciler({ actor, ...options }: ModelReconcilerOptions): Reconcile {
  const { caches, progress, pulls } = options;
  const looks = podRefusals(actor.client, actor.now);
  return async (key, signal) => {
    const model = caches.models.get(key.namespace, key.name);
    const left = await collectLeftovers(
      actor,
      leftoversOf(key, model, { ...options, now: actor.now() }),
      signal,
    );
    const isEnding = model?.metadata.deletionTimestamp !== undefined;
    // What goes with a Model is owned by it: the garbage collector cleans up.
    if (!model || isEnding) progress.follow(key, []);
    if (!model) return left;
    if (isHeldForNobody(model, caches.modelServers.by('model', formatKey(key)))) {
      await removeFinalizer(actor.client, models, model, inUseFinalizer, signal);
      return left;
    }
    if (isEnding && !hasFinalizer(model, inUseFinalizer)) return left;
    const podless = withoutPods(caches, model.metadata.uid);
    const refusals = await looks.of(podless, signal);
    const now = actor.now();
    const { generation } = model.metadata;
    const todo = isEnding ? stepsWhileKept : namedClaim(model.spec) ? stepsOnNamedClaim : steps;
    const decideBy = (
      status: Model['status'],
      seen: readonly ChildRef[],
      refused: readonly RefusedChild[],
    ) => {
      const growthRefusals = new Map(
        refused.map(({ child, message }) => [child.object.metadata.name, message]),
      );
      const view = gather(model, seen, { ...options, now, refusals, growthRefusals });
      const decision = decide(todo, view, { status, generation, now });
      pulls.heed(key, { starts: startsPull(decision.apply), since: decision.status.queue?.since });
      return decision;
    };
    const cached = (child: Child) => cachedChild(caches, child);
    let hasFailed = true;
    let acted;
    try {
      acted = await act(actor, { kind: models, object: model }, decideBy, cached, signal);
      hasFailed = false;
    } finally {
      pulls.settle(key, caches.models.get(key.namespace, key.name), hasFailed);
    }
    return { recheckAfter: soonest(left.recheckAfter, acted.recheckAfter, looks.secondsToNext(podless)) };
  };
}

/** `seen`: children that the caches do not have yet. */
function gather(
  model: Live<Model>,
  seen: readonly ChildRef[],
  {
    caches,
    image,
    defaults,
    now,
    refusals,
    growthRefusals,
    progress,
    pulls,
  }: Omit<ModelReconcilerOptions, 'actor'> & Pick<ModelView, 'now' | 'refusals' | 'growthRefusals'>,
): ModelView {
  const { namespace, name, uid } = model.metadata;
  const ofName = `${namespace}/${name}`;
  const isOurs = ({ metadata }: Live<KubeObject>) => metadata.labels?.[labels.modelUid] === uid;
  const noted = caches.jobs.by('model', ofName).filter((job) => standsForFiles(job) && isOurs(job));
  const known = withSeen(jobs, [...caches.jobs.byOwner(uid), ...noted], seen);
  const ours = known.filter((job) => !standsForFiles(job));
  const pods = ours.flatMap((job) => caches.pods.byOwner(job.metadata.uid));
  const pulling = pods.filter((pod) => pod.metadata.labels?.[labels.task] === 'pull');
  const atWork = (task: Task) =>
    caches.pods.by('model', ofName).filter((pod) => isAtWork(pod, task) && isOurs(pod));
  const retained = caches.claims
    .by('model', ofName)
    .filter((claim) => isRetained(claim, name) || isDisowned(claim, uid));
  const named = namedClaim(model.spec)?.name;
  const otherClaims = [...new Set([named, model.status?.artifact?.claimName])].flatMap((each) =>
    each === undefined
      ? []
      : (caches.otherClaims.get(namespace, each) ?? caches.claims.get(namespace, each) ?? []),
  );
  return {
    model,
    jobs: ours,
    pods,
    notes: known.filter(standsForFiles),
    collectors: atWork('collect'),
    pullers: atWork('pull'),
    claims: withSeen(persistentVolumeClaims, [...caches.claims.byOwner(uid), ...retained], seen),
    otherClaims,
    storageClasses: caches.storageClasses?.list(),
    servers: caches.modelServers.by('model', ofName),
    unsettled: usersOf(caches, { namespace, name: named ?? '' }),
    isQuiet: isQuiet(caches, { namespace, name: named ?? '' }),
    progress: progress.follow(keyOf(model), pulling),
    refusals,
    growthRefusals,
    turn: pulls.turnOf(model),
    image,
    defaults,
    now,
  };
}

/** Jobs of the Model that have not ended and that no pod was seen of. */
function withoutPods({ jobs: all, pods }: ModelCaches, modelUid: string): Live<Job>[] {
  return all
    .byOwner(modelUid)
    .filter((job) => !standsForFiles(job) && !hasEnded(job) && pods.byOwner(job.metadata.uid).length === 0);
}

/** What there may be to collect for a Model of this name, the living one or one that is gone. */
function leftoversOf(
  { namespace, name }: Key,
  model: Live<Model> | undefined,
  { caches, image, now }: Pick<ModelReconcilerOptions, 'caches' | 'image'> & { now: Date },
): LeftoverView {
  const ofName = `${namespace}/${name}`;
  const noted = caches.jobs.by('model', ofName).filter(standsForFiles);
  return {
    model,
    jobs: noted,
    pods: noted.length > 0 ? caches.pods.by('model', ofName) : [],
    claims: noted.flatMap(
      ({ metadata }) => caches.otherClaims.by('uid', metadata.labels?.[labels.claimUid] ?? '')[0] ?? [],
    ),
    usersOf: (claim) => usersOf(caches, keyOf(claim)),
    isQuiet: (claim) => isQuiet(caches, keyOf(claim)),
    image,
    now,
  };
}

function usersOf({ pods, modelServers, models: all }: ModelCaches, claim: Key): string[] {
  return unsettledServers({
    pods: pods.by('claim', formatKey(claim)),
    server: (name) => modelServers.get(claim.namespace, name),
    model: (name) => all.get(claim.namespace, name),
  });
}

function isQuiet({ models: all }: ModelCaches, claim: Key): boolean {
  return all.by('claim', formatKey(claim)).every(hasPublished);
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
