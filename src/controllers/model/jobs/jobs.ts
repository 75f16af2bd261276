import type { Model } from '../../../api/model.ts';
import type { PullerOptions } from '../../../api/puller-options.ts';
import type { Job } from '../../../kube/builtin.ts';
import { controlledBy, type Desired, type Live } from '../../../kube/kind.ts';
import {
  credentialsFolder,
  exitCodes,
  progressPort,
  requestVariable,
  volumeFolder,
  type CollectRequest,
  type PullerRequest,
} from '../../../protocols/puller.ts';
import { models } from '../../kinds.ts';
import { labels, managedBy } from '../../labels.ts';
import { hardenedContainer, hardenedPod } from '../../pod-security.ts';
import { limitsOf, networkOf } from './network.ts';
import { effectiveOptions } from './puller-options.ts';

type PodSpec = NonNullable<NonNullable<Job['spec']>['template']['spec']>;
type NamedJob = Desired<Job> & { metadata: { name: string; namespace: string } };

export type Task = 'inspect' | 'pull' | 'collect';

/** What is asked of a Model here: one that is gone can have no more. */
export interface Whose {
  metadata: Pick<Live<Model>['metadata'], 'name' | 'namespace' | 'uid'>;
  spec: Pick<Model['spec'], 'credentials' | 'puller'>;
}

export interface JobPlan {
  task: Task;
  /** Fingerprint of what is asked, so that an answer is never taken for that of another question. */
  request: string;
  attempt: number;
  image: string;
  /** What the operator was installed with; the spec of the Model comes first. */
  defaults: PullerOptions;
}

/** An inspection asks a hub a few questions; a pull takes as long as the weights need. */
const inspectSeconds = 120;
/** A collection lists a volume and removes files. */
const collectSeconds = 1800;
/** How long a finished Job stays for people to read its log. */
const keepSeconds = 3600;
const smallResources = { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } };
/** A pull was seen to take 256 MB, its threads that hash included, whatever the size of the weights (docs/performance.md). */
const pullResources = { requests: { cpu: '250m', memory: '320Mi' }, limits: { memory: '1Gi' } };

export function jobName(
  model: { name: string },
  { task, request, attempt }: Pick<JobPlan, 'task' | 'request' | 'attempt'>,
): string {
  return `${model.name}-${task}-${request.slice(0, 8)}-${attempt}`;
}

/**
 * Asks the source what the Model's spec names: a few small requests, or a look at the claim that holds it already. That a
 * revision is known already saves most of them.
 */
export function inspectJob(
  model: Live<Model>,
  { knownRevision, ...plan }: Omit<JobPlan, 'task'> & { knownRevision?: string },
): NamedJob {
  const request: PullerRequest = {
    source: model.spec.source,
    credentials: model.spec.credentials !== undefined,
    ...(knownRevision !== undefined && { knownRevision }),
  };
  const { volume } = model.spec.source;
  return job(model, { ...plan, task: 'inspect' }, request, {
    ownedBy: model,
    backoffLimit: 0,
    activeDeadlineSeconds: inspectSeconds,
    claim: volume && { name: volume.claimName, readOnly: true },
    resources: smallResources,
  });
}

/** Fills the claim with the files of the resolved revision, or verifies those that a source has on it already. */
export function pullJob(
  model: Live<Model>,
  plan: Omit<JobPlan, 'task'> & { revision: string; claimName: string },
): NamedJob {
  const puller = effectiveOptions(model.spec.puller, plan.defaults);
  const request: PullerRequest = {
    source: model.spec.source,
    credentials: model.spec.credentials !== undefined,
    revision: plan.revision,
    modelUid: model.metadata.uid,
  };
  return job(model, { ...plan, task: 'pull' }, request, {
    ownedBy: model,
    backoffLimit: 3,
    env: limitsOf(puller),
    claim: { name: plan.claimName, readOnly: model.spec.source.volume !== undefined },
    resources: puller.resources ?? pullResources,
  });
}

export interface CollectPlan extends Omit<JobPlan, 'task'> {
  claim: { name: string; uid: string };
  /** Digests that stay. */
  except: string[];
  /** What came within so many seconds stays, unless a record had it until now. */
  graceSeconds: number;
  ownedBy?: Live<Model> | undefined;
}

/** Takes off a claim what a Model has there, and whatever else no record names. */
export function collectJob(
  whose: Whose,
  { claim, except, graceSeconds, ownedBy, ...plan }: CollectPlan,
): NamedJob {
  const { uid: modelUid } = whose.metadata;
  const request: CollectRequest = { forget: { modelUid, except }, graceSeconds };
  return job(whose, { ...plan, task: 'collect' }, request, {
    ownedBy,
    backoffLimit: 3,
    activeDeadlineSeconds: collectSeconds,
    labels: { [labels.claimUid]: claim.uid },
    claim: { name: claim.name, readOnly: false },
    resources: smallResources,
  });
}

function job(
  whose: Whose,
  plan: JobPlan,
  request: PullerRequest | CollectRequest,
  options: {
    /** Goes with it, and an hour after its end; without, it stays until it is removed. */
    ownedBy: Live<Model> | undefined;
    backoffLimit: number;
    activeDeadlineSeconds?: number;
    env?: NonNullable<PodSpec['containers'][number]['env']>;
    labels?: Record<string, string>;
    claim?: { name: string; readOnly: boolean } | undefined;
    resources: PodSpec['containers'][number]['resources'];
  },
): NamedJob {
  const { name, namespace, uid } = whose.metadata;
  const { ownedBy } = options;
  const puller = effectiveOptions(whose.spec.puller, plan.defaults);
  // Who collects asks no source.
  const asks = plan.task !== 'collect';
  const credentials = asks ? whose.spec.credentials : undefined;
  const network = asks ? networkOf(whose.spec.puller, puller) : undefined;
  const ours = {
    ...managedBy,
    'app.kubernetes.io/name': 'longshore-puller',
    [labels.model]: name,
    [labels.modelUid]: uid,
    [labels.task]: plan.task,
    [labels.request]: plan.request,
    [labels.attempt]: String(plan.attempt),
    ...options.labels,
  };
  return {
    metadata: {
      name: jobName(whose.metadata, plan),
      namespace,
      labels: ours,
      ...(ownedBy && { ownerReferences: [controlledBy(models, ownedBy)] }),
    },
    spec: {
      backoffLimit: options.backoffLimit,
      activeDeadlineSeconds: options.activeDeadlineSeconds,
      ...(ownedBy && { ttlSecondsAfterFinished: keepSeconds }),
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [exitCodes.final] } },
        ],
      },
      template: {
        metadata: {
          labels: { ...puller.labels, ...ours },
          ...(puller.annotations && { annotations: puller.annotations }),
        },
        spec: {
          ...hardenedPod,
          restartPolicy: 'Never',
          ...(puller.imagePullSecrets && { imagePullSecrets: puller.imagePullSecrets }),
          ...placement(puller),
          containers: [
            {
              name: 'puller',
              image: plan.image,
              args: ['/app/puller.js', plan.task],
              env: [
                { name: requestVariable, value: JSON.stringify({ ...request, ...network?.request }) },
                ...(network?.env ?? []),
                ...(options.env ?? []),
              ],
              ports: [{ name: 'progress', containerPort: progressPort }],
              resources: options.resources,
              terminationMessagePolicy: 'File',
              volumeMounts: [
                { name: 'tmp', mountPath: '/tmp' },
                ...(options.claim
                  ? [{ name: 'models', mountPath: volumeFolder, ...mounted(options.claim) }]
                  : []),
                ...(credentials
                  ? [{ name: 'credentials', mountPath: credentialsFolder, readOnly: true }]
                  : []),
                ...(network?.mounts ?? []),
              ],
              ...hardenedContainer,
            },
          ],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            ...(options.claim
              ? [
                  {
                    name: 'models',
                    persistentVolumeClaim: { claimName: options.claim.name, ...mounted(options.claim) },
                  },
                ]
              : []),
            ...credentialsVolume(credentials),
            ...(network?.volumes ?? []),
          ],
        },
      },
    },
  };
}

/** Both of a volume and of its mount: without the first a volume would be attached to be written to. */
function mounted({ readOnly }: { readOnly: boolean }): { readOnly?: true } {
  return readOnly ? { readOnly: true } : {};
}

/**
 * The Secret's token under one name whatever its key is called, whose it is, and the host it is for. Optional, so that a Secret that
 * is not there becomes an error with a name instead of a pod that never starts.
 */
function credentialsVolume(credentials: Model['spec']['credentials']): NonNullable<PodSpec['volumes']> {
  if (!credentials) return [];
  // What the key is called in every Secret of type kubernetes.io/dockerconfigjson.
  const isDockerConfig = credentials.key === '.dockerconfigjson';
  // A projection of the whole key list fails when one key is missing; two optional sources do not.
  const one = (key: string, path: string) => ({
    secret: { name: credentials.secretName, items: [{ key, path }], optional: true },
  });
  return [
    {
      name: 'credentials',
      projected: {
        defaultMode: 0o440,
        sources: isDockerConfig
          ? [one(credentials.key, 'dockerconfig.json')]
          : [one(credentials.key, 'token'), one('username', 'username'), one('host', 'host')],
      },
    },
  ];
}

/**
 * A volume that binds where its first pod runs is bound by the puller: near the GPUs, or servers could not use it. So
 * pullers prefer nodes that feature discovery labels as GPU nodes, and tolerate the taint that keeps others away.
 */
function placement({
  nodeSelector,
  tolerations = [],
  affinity,
  priorityClassName,
}: PullerOptions): Partial<PodSpec> {
  const gpuNode = { matchExpressions: [{ key: 'nvidia.com/gpu.present', operator: 'In', values: ['true'] }] };
  return {
    nodeSelector,
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }, ...tolerations],
    priorityClassName,
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: gpuNode }],
      },
      ...affinity,
    },
  };
}
