import { apiVersion } from '../../api/kubernetes.ts';
import { Model } from '../../api/model.ts';
import { ModelServer } from '../../api/modelserver.ts';
import type { Job, PersistentVolumeClaim, Pod, StorageClass } from '../../kube/builtin.ts';
import { controlledBy, type Live, type ObjectMeta } from '../../kube/kind.ts';
import type { PullerProgress, PullerReport } from '../../protocols/puller.ts';
import { models } from '../kinds.ts';
import { labels, managedBy } from '../labels.ts';
import { contentOf, originOf } from '../model/source/content.ts';
import type { Task } from '../model/jobs/jobs.ts';
import type { ModelView } from '../model/view.ts';
import type { ServerView } from '../modelserver/view.ts';
import { retained } from '../retention.ts';

/** Objects as the informers hand them out, for tests of what is decided by them. */

export const now = new Date('2030-01-01T12:00:00Z');
export const commit = '0123456789abcdef0123456789abcdef01234567';
const sha256 = 'ab'.repeat(32);

export function secondsAgo(seconds: number): string {
  return new Date(now.getTime() - seconds * 1000).toISOString().replace('.000Z', 'Z');
}

interface LiveMeta extends ObjectMeta {
  name: string;
  namespace: string;
  uid: string;
  resourceVersion: string;
  generation: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
}

export function meta(name: string, more: Partial<LiveMeta> = {}): LiveMeta {
  return { name, namespace: 'ns', uid: `uid-of-${name}`, resourceVersion: '1', generation: 1, ...more };
}

export function aModel(spec: object = {}, status?: Model['status']): Live<Model> {
  const source = { huggingFace: { repo: 'owner/name' } };
  const metadata = meta('qwen');
  const parsed = Model.parse({ apiVersion, kind: 'Model', metadata, spec: { source, ...spec } });
  return { ...parsed, metadata, ...(status && { status }) };
}

export function aServer(spec: object = {}, status?: ModelServer['status']): Live<ModelServer> {
  const metadata = meta('chat');
  const whole = { modelRef: { name: 'qwen' }, ...spec };
  const parsed = ModelServer.parse({ apiVersion, kind: 'ModelServer', metadata, spec: whole });
  return { ...parsed, metadata, ...(status && { status }) };
}

export function anArtifact(more: Partial<Artifact> = {}): Artifact {
  return {
    revision: commit,
    digest: `sha256:${sha256}`,
    content: contentOf(aModel(), { revision: commit }),
    sizeBytes: 1000,
    claimName: 'qwen-claim',
    claimUid: 'uid-of-qwen-claim',
    path: `hf/owner/name/${commit}`,
    fileCount: 1,
    files: [{ path: 'model.gguf', sizeBytes: 1000, sha256, role: 'model' }],
    ...more,
  };
}
type Artifact = NonNullable<NonNullable<Model['status']>['artifact']>;

export function aView(view: Partial<ModelView> = {}): ModelView {
  return {
    model: aModel(),
    jobs: [],
    pods: [],
    notes: [],
    collectors: [],
    pullers: [],
    claims: [],
    otherClaims: [],
    storageClasses: undefined,
    servers: [],
    unsettled: [],
    isQuiet: true,
    progress: new Map(),
    refusals: new Map(),
    growthRefusals: new Map(),
    turn: { at: 'now' },
    image: 'puller:1',
    defaults: {},
    now,
    ...view,
  };
}

export function aServerView(view: Partial<ServerView> = {}): ServerView {
  return {
    server: aServer(),
    model: aModel({}, { artifact: anArtifact() }),
    parts: [],
    deployment: undefined,
    service: undefined,
    networkPolicies: [],
    budgets: [],
    pods: [],
    loads: new Map(),
    mountFailures: new Map(),
    claims: [],
    nodes: undefined,
    devices: undefined,
    image: 'runtime:1',
    surroundings: { network: { clients: [], monitoring: [], egress: [] }, pullSecrets: [] },
    now,
    ...view,
  };
}

export interface JobChoices {
  request: string;
  task?: Task;
  attempt?: number;
  /** Absent: it runs. */
  ended?: { type: 'Complete' | 'Failed'; secondsAgo: number; reason?: string };
}

export function aJob({ request, task = 'inspect', attempt = 1, ended }: JobChoices): Live<Job> {
  const ours = {
    [labels.task]: task,
    [labels.request]: request,
    [labels.attempt]: String(attempt),
  };
  const status = ended && {
    conditions: [
      {
        type: ended.type,
        status: 'True',
        lastTransitionTime: secondsAgo(ended.secondsAgo),
        ...(ended.reason !== undefined && { reason: ended.reason }),
      },
    ],
  };
  return { metadata: meta(`${task}-${request}-${attempt}`, { labels: ours }), ...(status && { status }) };
}

/** A pod of the Job that left this behind; text that is no report too. */
export function aPodOf(
  job: Live<Job>,
  left?: PullerReport | string,
  name = `pod-of-${job.metadata.name}`,
): Live<Pod> {
  const owner = controlledBy({ apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true }, job);
  const message = typeof left === 'object' ? JSON.stringify(left) : left;
  const terminated = { exitCode: 0, message };
  return {
    metadata: meta(name, {
      labels: job.metadata.labels,
      ownerReferences: [owner],
      creationTimestamp: secondsAgo(60),
    }),
    ...(left !== undefined && {
      status: {
        containerStatuses: [
          { name: 'puller', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated } },
        ],
      },
    }),
  };
}

export function aClaim(
  name: string,
  more: Omit<PersistentVolumeClaim, 'metadata'> & { metadata?: Partial<LiveMeta> } = {},
): Live<PersistentVolumeClaim> {
  const ownerReferences = [controlledBy(models, aModel())];
  return { ...more, metadata: meta(name, { ownerReferences, ...more.metadata }) };
}

/** A claim of this content that is kept for a Model of the name of aModel: for itself, or left by a former one. */
export function aRetainedClaim(
  name: string,
  { content, modelUid = 'former' }: { content: string; modelUid?: string },
  more: Omit<PersistentVolumeClaim, 'metadata'> & { metadata?: Partial<LiveMeta> } = {},
): Live<PersistentVolumeClaim> {
  const ours = {
    ...managedBy,
    ...retained,
    [labels.model]: aModel().metadata.name,
    [labels.modelUid]: modelUid,
    [labels.content]: content,
    [labels.origin]: originOf(aModel().spec.source),
  };
  return aClaim(name, { ...more, metadata: { labels: ours, ownerReferences: [], ...more.metadata } });
}

export function aStorageClass(
  name: string,
  { isDefault = false, ...more }: Partial<StorageClass> & { isDefault?: boolean } = {},
): Live<StorageClass> {
  const { namespace: _, ...metadata } = meta(name);
  const annotations = { 'storageclass.kubernetes.io/is-default-class': String(isDefault) };
  return { provisioner: 'example.com/disk', ...more, metadata: { ...metadata, annotations } };
}

/** What a puller answers while so many bytes are on the volume. */
export function downloading(
  downloadedBytes: number,
  totalBytes: number,
  more: Partial<PullerProgress> = {},
): PullerProgress {
  return { phase: 'downloading', downloadedBytes, totalBytes, ...more };
}
