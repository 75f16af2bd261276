import { vendorOf } from '../../../api/gpu.ts';
import type { Deployment } from '../../../kube/builtin.ts';
import type { EventText } from '../../../kube/events.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { fingerprint } from '../../model/view.ts';
import { entryFile, type Artifact } from '../artifact.ts';
import { togetherFor } from '../claims.ts';
import { memoryRequest } from '../fit/need.ts';
import { bytesToLoad, partsStatus, publishedParts } from '../parts.ts';
import type { ServerView } from '../view.ts';
import { serverDeployment } from '../workload/deployment.ts';
import type { Named } from '../workload/identity.ts';
import { serverPod } from '../workload/pod.ts';
import { askedFor } from './asked.ts';
import { progressSeconds } from './deadlines.ts';
import { failureOf } from './failure.ts';
import { hasServed, isOver } from './progress.ts';
import { readRecord, writeRecord, type PodTemplate, type RolloutRecord, type Target } from './record.ts';
import { pinnedImage, rollAsked } from './runtime.ts';
import { chooseStrategy, strategySpec, type Strategy } from './strategy.ts';

/** What the Deployment should be, and where that leaves its rollout. */
export interface RolloutPlan {
  deployment: Named<Deployment>;
  record: RolloutRecord;
  strategy: Strategy;
  /** Whether all pods are of this plan. */
  isOver: boolean;
  /** Whether what is asked for now was rolled back, and what served before is wanted in its place. */
  isRolledBack: boolean;
  /** Whether the operator would build other pods for the same by now. */
  isOutdated: boolean;
  events: EventText[];
  recheckAfter?: number | undefined;
}

/** Several steps of a reconcile look at it. */
const plans = new WeakMap<ServerView, RolloutPlan>();

/**
 * Undefined until the Model, and what is loaded beside it, have published something to serve. Everything that it goes by
 * is in the view: what was asked for and rolled out so far stands on the Deployment (record.ts).
 */
export function planRollout(view: ServerView): RolloutPlan | undefined {
  const artifact = view.model?.status?.artifact;
  if (!artifact || !entryFile(artifact)) return undefined;
  if (publishedParts(view.parts).length < view.parts.length) return undefined;
  const plan = plans.get(view) ?? decideRollout(view);
  plans.set(view, plan);
  return plan;
}

interface Wanted {
  target: Target;
  template: PodTemplate;
}

/** The next record, and the pods that go with it. */
type Next = Pick<RolloutPlan, 'record' | 'isRolledBack' | 'events'> & {
  template: PodTemplate;
  isNew: boolean;
};

function publishedBy({ model }: ServerView): Artifact {
  const artifact = model?.status?.artifact;
  if (!artifact) throw new Error('a rollout comes after the Model has published something');
  return artifact;
}

function decideRollout(view: ServerView): RolloutPlan {
  const { server, deployment: live } = view;
  const artifact = publishedBy(view);
  const before = readRecord(live);
  const wanted = wantedOf(view, artifact, pinnedImage(view, before));
  const next = live && before ? nextOf(view, live, before, wanted) : begun(view, wanted);
  // What is new surges. What comes back takes the room of what it replaces, as that had it.
  const { strategy, turned, recheckAfter } = chooseStrategy(
    next.isNew ? { ...view, deployment: undefined } : view,
    next.record,
  );
  const deployment = serverDeployment(server, {
    template: next.template,
    strategy: strategySpec(strategy),
    progressDeadlineSeconds: progressSeconds(
      server.spec.rollout,
      bytesToLoad(artifact, publishedParts(view.parts)),
    ),
    annotations: writeRecord(next.record),
  });
  const drains = turned === undefined ? [] : [draining(server.spec.replicas, turned)];
  return {
    deployment,
    record: next.record,
    strategy,
    isOver: live !== undefined && before?.built === next.record.built && isOver(live),
    isRolledBack: next.isRolledBack,
    isOutdated:
      next.record.image !== view.image || (!next.isRolledBack && next.record.built !== wanted.target.built),
    events: [...next.events, ...drains],
    recheckAfter,
  };
}

function wantedOf({ server, model, parts, claims }: ServerView, artifact: Artifact, image: string): Wanted {
  const { revision, digest, claimName } = artifact;
  const vendor = vendorOf(server.spec.gpu);
  const further = publishedParts(parts);
  const memory = memoryRequest(server, model, parts);
  const volume = togetherFor(server, claims)?.claim.metadata.uid;
  const template = serverPod(server, { artifact, image, memory, parts: further, volume });
  const built = fingerprint(template);
  return {
    target: {
      asked: askedFor(server, [artifact, ...further.map((part) => part.artifact)], image),
      built,
      image,
      ...(vendor !== undefined && { vendor }),
      model: { name: server.spec.modelRef.name, revision, digest, claimName },
      ...(further.length > 0 && { parts: partsStatus(further) }),
    },
    template: named(template, built),
  };
}

/** Pods tell by a label which template they were made from. */
function named(template: PodTemplate, built: string): PodTemplate {
  const { metadata } = template;
  return {
    ...template,
    metadata: { ...metadata, labels: { ...metadata?.labels, [labels.template]: built } },
  };
}

/** The first rollout of a server, or of a Deployment that says nothing of earlier ones. */
function begun({ server }: ServerView, { target, template }: Wanted): Next {
  const rolledAt = rollAsked(server);
  const record = { ...target, ...(rolledAt !== undefined && { rolledAt }) };
  return { record, template, isNew: true, isRolledBack: false, events: [] };
}

function nextOf(view: ServerView, live: Live<Deployment>, before: RolloutRecord, wanted: Wanted): Next {
  const asked = rollAsked(view.server, before);
  const { failed, from, ...target } = before;
  const isSame = before.asked === wanted.target.asked;
  const isNewer = asked !== undefined && before.built !== wanted.target.built;
  const kept = { template: templateOf(live), isNew: false, isRolledBack: false, events: [] };

  if (isSame && !isNewer) {
    const behind = isOver(live) ? undefined : from;
    const failure = behind && failureOf(view, before);
    if (behind && failure !== undefined) return rolledBack(view, before, behind, failure);
    // Another release may build other pods for the same. Nothing is rolled for that.
    const template = before.built === wanted.target.built ? wanted.template : kept.template;
    const record = {
      ...target,
      ...(asked !== undefined && { rolledAt: asked }),
      ...(behind && { from: behind }),
      ...(failed && { failed }),
    };
    return { ...kept, record, template };
  }
  if (failed?.asked === wanted.target.asked && asked === undefined) {
    return { ...kept, record: { ...target, failed }, isRolledBack: true };
  }

  const rolledAt = asked ?? before.rolledAt;
  const { rolledAt: _, ...served } = target;
  const good = (!from || isOver(live)) && hasServed(live) ? { ...served, template: templateOf(live) } : from;
  // Back to what served before, by hand: there is nothing behind it.
  const isBack = good?.asked === wanted.target.asked && !isNewer;
  // An image that is kept out stays known (runtime.ts).
  const isKeptOut = failed?.image === view.image && wanted.target.image !== view.image;
  const record = {
    ...(isBack ? targetOf(good) : wanted.target),
    ...(rolledAt !== undefined && { rolledAt }),
    ...(good && !isBack && { from: good }),
    ...(isKeptOut && { failed }),
  };
  const template = isBack ? good.template : wanted.template;
  return { record, template, isNew: !isBack, isRolledBack: false, events: [] };
}

function rolledBack(
  view: ServerView,
  before: RolloutRecord,
  from: NonNullable<RolloutRecord['from']>,
  message: string,
): Next {
  const { asked, image, rolledAt } = before;
  const { template } = from;
  const failed = { asked, image, message };
  const record = { ...targetOf(from), ...(rolledAt !== undefined && { rolledAt }), failed };
  const note = `What served before is brought back. ${message}`;
  const events = [{ type: 'Warning' as const, reason: 'RolledBack' as const, note }];
  // Where another image was tried and nothing else, all that the spec asks for is there again.
  const { asked: stillAsked } = wantedOf(view, publishedBy(view), pinnedImage(view, record)).target;
  return { record, template, isNew: false, isRolledBack: stillAsked !== record.asked, events };
}

function targetOf({ asked, built, image, vendor, model, parts }: Target): Target {
  return { asked, built, image, ...(vendor !== undefined && { vendor }), model, ...(parts && { parts }) };
}

function templateOf({ spec }: Live<Deployment>): PodTemplate {
  if (!spec) throw new Error('a Deployment from the API server has a spec');
  return spec.template;
}

function draining(replicas: number, lack: string): EventText {
  const outage = replicas === 1 ? ' With one replica nothing answers until the new pod is ready.' : '';
  const note = `There is no room for one pod more, so an old one stops before a new one starts.${outage} ${lack}`;
  return { type: 'Warning', reason: 'Draining', note };
}
