import type { GgufFacts, ModelStatus } from '../../api/model-status.ts';
import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { PartUse } from '../../api/runtime-options.ts';
import { act, actor } from '../../controllers/act.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import { labels } from '../../controllers/labels.ts';
import { claimName } from '../../controllers/model/storage/claim.ts';
import { collectLeftovers } from '../../controllers/model/collect/collect-leftovers.ts';
import type { LeftoverView } from '../../controllers/model/collect/leftovers.ts';
import { noteFor } from '../../controllers/model/collect/note.ts';
import { pullRequest } from '../../controllers/model/pull/pull.ts';
import * as model from '../../controllers/model/reconcile.ts';
import { inspectRequest, type ModelView } from '../../controllers/model/view.ts';
import * as server from '../../controllers/modelserver/reconcile.ts';
import { readRecord } from '../../controllers/modelserver/rollout/record.ts';
import type { ServerView } from '../../controllers/modelserver/view.ts';
import { decide, type ConditionedStatus, type Decision } from '../../controllers/step.ts';
import {
  aClaim,
  aJob,
  aModel,
  anArtifact,
  aPodOf,
  aServer,
  aServerView,
  aView,
  commit,
  downloading,
  meta,
  now,
  secondsAgo,
} from '../../controllers/testing/objects.ts';
import { aPodFrom, aRollingView } from '../../controllers/testing/rollouts.ts';
import { aDeployedView, aServerPod, ended, whole, withoutNode } from '../../controllers/testing/servers.ts';
import type { Deployment, Pod } from '../../kube/builtin.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ApiError } from '../../kube/errors.ts';
import type { EventText } from '../../kube/events.ts';
import type { KubeObject, Live } from '../../kube/kind.ts';
import type { PullerProgress, PullerReason, PullerReport } from '../../protocols/puller.ts';
import type { RuntimeFailure } from '../../protocols/runtime.ts';
import { InvalidObjects } from '../invalid-objects.ts';

/** How things may stand with a Model, a ModelServer, and what a deleted Model has left: for the table of reasons. */

const { signal } = new AbortController();
const at = { generation: 1, now };

// A Model: where it stands is what its steps make of a view and of the status so far.

const spec = aModel();
const request = inspectRequest(spec);
export const resolved = {
  source: 'hf:owner/name@main',
  request,
  revision: commit,
  sizeBytes: 1000,
  size: '1kB',
  fileCount: 1,
};
export const claim = aClaim(claimName(spec, resolved));
const pull = pullRequest(request, commit, claim.metadata.uid);
const shared = { storage: { claimName: 'shared' } };

/** What people can read. */
export interface Told {
  /** Each as `Kind Condition Reason`, or `Kind event Reason`. */
  readonly lines: readonly string[];
  /** Where it stands in a status: what it is of, and all of it. */
  readonly kind?: string;
  readonly status?: ConditionedStatus;
}

function statusOf(kind: string, status: ConditionedStatus): Told {
  const { conditions = [] } = status;
  return { lines: conditions.map(({ type, reason }) => `${kind} ${type} ${reason}`), kind, status };
}
export function eventsOf(kind: string, events: readonly EventText[]): Told {
  return { lines: events.map(({ reason }) => `${kind} event ${reason}`) };
}

export function aModelThat(
  view: Partial<ModelView> = {},
  status: ModelStatus = {},
  steps: typeof model.steps = model.steps,
): Told {
  const { status: next } = decide(steps, aView({ model: spec, ...view }), { status, ...at });
  return statusOf('Model', next);
}
export const onNamedClaim = (view: Partial<ModelView>): Told =>
  aModelThat({ model: aModel(shared), ...view }, {}, model.stepsOnNamedClaim);
export const withClaim = (more: Parameters<typeof aClaim>[1], view: Partial<ModelView> = {}): Told =>
  aModelThat({ claims: [aClaim(claim.metadata.name, more)], ...view }, { resolved });

/** Its inspection, or its pull, ended with this; undefined: without a word. */
export function inspectionThat(failure: PullerReason | undefined, ended = 'BackoffLimitExceeded'): Told {
  const job = aJob({ request, ended: { type: 'Failed', secondsAgo: 60, reason: ended } });
  return aModelThat({ jobs: [job], pods: failure ? [podThatFailed(job, failure)] : [] });
}
export function pullThat(failure: PullerReason | undefined, ended = 'BackoffLimitExceeded'): Told {
  const job = aJob({ request: pull, task: 'pull', ended: { type: 'Failed', secondsAgo: 60, reason: ended } });
  const pods = failure ? [podThatFailed(job, failure)] : [];
  return aModelThat({ claims: [claim], jobs: [job], pods }, { resolved });
}
const podThatFailed = (job: ReturnType<typeof aJob>, reason: PullerReason) =>
  aPodOf(job, { failure: { reason, message: 'So it was.' } });
/** Where it is told what a puller says. */
export const fromPuller = (reason: PullerReason) => ({
  'Model Resolved': () => inspectionThat(reason),
  'Model Pulled': () => pullThat(reason),
});

export function pulling(phase: 'downloading' | 'verifying'): Told {
  const job = aJob({ request: pull, task: 'pull' });
  const pod = aPodOf(job);
  const progress = new Map([[pod.metadata.name, { ...downloading(500, 1000), phase }]]);
  return aModelThat({ claims: [claim], jobs: [job], pods: [pod], progress }, { resolved });
}
/** Its Job gets no pod, by these words. */
export function inspectionRefused(words: string): Told {
  const job = aJob({ request });
  return aModelThat({ jobs: [job], refusals: new Map([[job.metadata.uid, words]]) });
}
/** Its claim, on which it does not fit, may not be enlarged, by these words. */
export function growthRefused(words: string): Told {
  const growthRefusals = new Map([[claim.metadata.name, words]]);
  const asks = { resources: { requests: { storage: '500' } }, storageClassName: 'fast' };
  return withClaim({ spec: asks, status: { phase: 'Bound' } }, { growthRefusals });
}
export function pullRefused(words: string): Told {
  const job = aJob({ request: pull, task: 'pull' });
  const refusals = new Map([[job.metadata.uid, words]]);
  return aModelThat({ claims: [claim], jobs: [job], refusals }, { resolved });
}
/** Its pod is in this state. */
export function pullOn(status: NonNullable<Pod['status']>): Told {
  const job = aJob({ request: pull, task: 'pull' });
  return aModelThat({ claims: [claim], jobs: [job], pods: [{ ...aPodOf(job), status }] }, { resolved });
}
/** Events of a Model whose Job has a pod that left this, or says that. */
export function modelEvents(
  task: 'inspect' | 'pull',
  { left, says }: { left?: PullerReport; says?: PullerProgress },
): Told {
  const job = aJob({ request: task === 'pull' ? pull : request, task });
  const pod = aPodOf(job, left);
  const progress = new Map(says ? [[pod.metadata.name, says]] : []);
  const view = aView({ model: spec, claims: [claim], jobs: [job], pods: [pod], progress });
  const status = task === 'pull' ? { resolved } : {};
  return eventsOf('Model', decide(model.steps, view, { status, ...at }).events);
}
export const published = (): Told =>
  aModelThat(
    { claims: [claim] },
    { resolved, artifact: anArtifact({ claimName: claim.metadata.name, claimUid: claim.metadata.uid }) },
  );

// A ModelServer.

export function aServerThat(view: Partial<ServerView> = {}): Told {
  const { status } = decide(server.steps, aServerView(view), { status: undefined, ...at });
  return statusOf('ModelServer', status);
}
/** The Deployment of a server is there, with these pods. */
export function deployed(
  pods: Live<Pod>[] = [],
  status: NonNullable<Deployment['status']> = {},
  view: Partial<ServerView> = {},
): Told {
  return aServerThat(aDeployedView({ pods, ...view }, status));
}
/** Its Deployment has other pods than those that are wanted. */
export const outdated = (): Told =>
  aServerThat({ ...aDeployedView(), server: aServer({ runtime: { parallel: 8 } }) });
/** Events of a server that stands so. */
export const serverEvents = (view: ServerView): Told =>
  eventsOf('ModelServer', decide(server.steps, view, { status: undefined, ...at }).events);
/** It rolls, and there has been no room for the pod more for ten minutes. */
export function withoutRoom(): ServerView {
  const view = aRollingView();
  const built = readRecord(view.deployment)?.built;
  const lack = withoutNode('0/1 nodes are available: 1 Insufficient nvidia.com/gpu.');
  return { ...view, pods: [aPodFrom(built, 'p', { age: 600, ...lack })] };
}
/** A further Model of a llama turns out to be of another kind. */
export function partThat(use: PartUse, gguf: GgufFacts): Told {
  const file = { path: 'part.gguf', sizeBytes: 1, sha256: 'ab'.repeat(32) };
  const role = use === 'Adapter' ? 'adapter' : 'model';
  const artifact = anArtifact({ files: [{ ...file, role }] });
  const own = { architecture: 'llama', tokenizer: 'llama' };
  return aServerThat({
    model: aModel({}, { artifact: anArtifact(), gguf: own }),
    parts: [{ use, name: 'part', scale: 1, model: aModel({}, { artifact, gguf: { ...own, ...gguf } }) }],
  });
}
/** Its runtime ended with this. */
export function loadThat(reason: RuntimeFailure['failure']['reason']): Told {
  const message = JSON.stringify({ failure: { reason, message: 'So it was.' } } satisfies RuntimeFailure);
  return deployed([aServerPod('p', ended({ message }))]);
}
export function serving(
  chat: { description: string; problem?: string } = { description: 'As it should.' },
): Told {
  const loads = new Map([['p', { phase: 'ready' as const, percent: 100, chat }]]);
  return deployed([aServerPod('p', { ready: true })], whole, { loads });
}

// What only shows when a decision is carried out: the API server refuses, or something has the name already.

export const refusal = new ApiError({ status: 403, reason: 'Forbidden', message: 'violates a policy' });
export const noRoom = new ApiError({ status: 403, reason: 'Forbidden', message: 'exceeded quota: pods' });

async function carriedOut(
  owner: { kind: typeof models | typeof modelServers; object: Live<KubeObject> },
  decision: Decision<ModelStatus> | Decision<ModelServerStatus>,
  api: { holds?: Live<KubeObject>; refuses?: ApiError },
): Promise<Told> {
  let written: ConditionedStatus = {};
  const answer = (object: KubeObject) =>
    api.refuses ? Promise.reject(api.refuses) : Promise.resolve({ ...object, metadata: meta('made') });
  const client = {
    get: () =>
      api.holds
        ? Promise.resolve(api.holds)
        : Promise.reject(new ApiError({ status: 404, reason: 'NotFound', message: 'no' })),
    create: (_kind: unknown, object: KubeObject) =>
      api.holds
        ? Promise.reject(new ApiError({ status: 409, reason: 'AlreadyExists', message: 'there' }))
        : answer(object),
    apply: (_kind: unknown, object: KubeObject) => answer(object),
    applyStatus: (_kind: unknown, { status }: { status: typeof written }) =>
      Promise.resolve((written = status)),
  };
  const acting = actor(client as unknown as KubeClient, { record: () => {} }, () => now);
  await act(
    acting,
    owner as never,
    () => decision as never,
    () => undefined,
    signal,
  );
  return statusOf(owner.kind.kind, written);
}
export const theirs: Live<KubeObject> = { metadata: meta('theirs') };
export const modelOn = (api: Parameters<typeof carriedOut>[2]): Promise<Told> =>
  carriedOut(
    { kind: models, object: spec },
    decide(model.steps, aView({ model: spec }), { status: undefined, ...at }),
    api,
  );
export const serverOn = (api: Parameters<typeof carriedOut>[2]): Promise<Told> =>
  carriedOut(
    { kind: modelServers, object: aServer() },
    decide(server.steps, aServerView(), { status: undefined, ...at }),
    api,
  );

// Events of their own.

/** What the claim is told of that a deleted Model has left files on. */
export async function leftover(view: Partial<LeftoverView>, refuses?: ApiError): Promise<Told> {
  const events: EventText[] = [];
  const client = {
    get: (_kind: unknown, { name }: { name: string }) =>
      name === 'qwen'
        ? Promise.reject(new ApiError({ status: 404, reason: 'NotFound', message: 'no' }))
        : Promise.resolve(note),
    create: () => (refuses ? Promise.reject(refuses) : Promise.resolve({})),
    delete: () => Promise.resolve(),
  };
  const acting = {
    client: client as unknown as KubeClient,
    events: { record: (_about: unknown, text: EventText) => void events.push(text) },
  };
  await collectLeftovers(
    acting,
    {
      model: undefined,
      jobs: [note],
      pods: [],
      claims: [left],
      image: 'puller:1',
      now,
      usersOf: () => [],
      isQuiet: () => true,
      ...view,
    },
    signal,
  );
  return eventsOf('PersistentVolumeClaim', events);
}
const left = aClaim('shared', { metadata: { ownerReferences: [] } });
const noted = noteFor(aModel(shared), {
  claim: { name: 'shared', uid: left.metadata.uid },
  image: 'puller:1',
  defaults: {},
});
const note = { ...noted, metadata: meta(noted.metadata.name, { labels: noted.metadata.labels }) };
export function collection(type: 'Complete' | 'Failed', reason?: string) {
  const ours = { ...noted.metadata.labels, [labels.attempt]: '1' };
  const condition = { type, status: 'True', lastTransitionTime: secondsAgo(600), ...(reason && { reason }) };
  return { ...noted, metadata: meta('run', { labels: ours }), status: { conditions: [condition] } };
}

export function invalid(kind: string): Told {
  const events: EventText[] = [];
  const objects = new InvalidObjects({ record: (_about, text) => void events.push(text) });
  objects.lead([]);
  objects.saw(theirs, new Error('spec.source: Required'));
  return eventsOf(kind, events);
}
