import type { Model, PullerOptions } from '../../api/model.ts';
import type { Job } from '../../kube/builtin.ts';
import { controlledBy, type Desired, type Live } from '../../kube/kind.ts';
import {
  credentialsFolder,
  exitCodes,
  progressPort,
  requestVariable,
  volumeFolder,
  type PullerRequest,
} from '../../protocols/puller.ts';
import { models } from '../kinds.ts';
import { labels, managedBy } from '../labels.ts';
import { hardenedContainer, hardenedPod } from '../pod-security.ts';
import { limitsOf, networkOf } from './network.ts';
import { effectiveOptions } from './puller-options.ts';

type PodSpec = NonNullable<NonNullable<Job['spec']>['template']['spec']>;
type NamedJob = Desired<Job> & { metadata: { name: string; namespace: string } };

export type Task = 'inspect' | 'pull';

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
/** How long a finished Job stays for people to read its log. */
const keepSeconds = 3600;

export function jobName(
  model: Live<Model>,
  { task, request, attempt }: Pick<JobPlan, 'task' | 'request' | 'attempt'>,
): string {
  return `${model.metadata.name}-${task}-${request.slice(0, 8)}-${attempt}`;
}

/** Asks the source what the Model's spec names: no volume, a few small requests. */
export function inspectJob(model: Live<Model>, plan: Omit<JobPlan, 'task'>): NamedJob {
  const request: PullerRequest = {
    source: model.spec.source,
    credentials: model.spec.credentials !== undefined,
  };
  return job(model, { ...plan, task: 'inspect' }, request, {
    backoffLimit: 0,
    activeDeadlineSeconds: inspectSeconds,
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
  });
}

/** Fills the claim with the files of the resolved revision. */
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
    backoffLimit: 3,
    claimName: plan.claimName,
    env: limitsOf(puller),
    resources: puller.resources ?? {
      requests: { cpu: '250m', memory: '256Mi' },
      limits: { memory: '1Gi' },
    },
  });
}

function job(
  model: Live<Model>,
  plan: JobPlan,
  request: PullerRequest,
  options: {
    backoffLimit: number;
    activeDeadlineSeconds?: number;
    claimName?: string;
    env?: NonNullable<PodSpec['containers'][number]['env']>;
    resources: PodSpec['containers'][number]['resources'];
  },
): NamedJob {
  const { name, namespace } = model.metadata;
  const puller = effectiveOptions(model.spec.puller, plan.defaults);
  const network = networkOf(model.spec.puller, puller);
  const ours = {
    ...managedBy,
    'app.kubernetes.io/name': 'longshore-puller',
    [labels.model]: name,
    [labels.task]: plan.task,
    [labels.request]: plan.request,
    [labels.attempt]: String(plan.attempt),
  };
  return {
    metadata: {
      name: jobName(model, plan),
      namespace,
      labels: ours,
      ownerReferences: [controlledBy(models, model)],
    },
    spec: {
      backoffLimit: options.backoffLimit,
      activeDeadlineSeconds: options.activeDeadlineSeconds,
      ttlSecondsAfterFinished: keepSeconds,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [exitCodes.final] } },
        ],
      },
      template: {
        metadata: { labels: ours },
        spec: {
          ...hardenedPod,
          restartPolicy: 'Never',
          ...placement(puller),
          containers: [
            {
              name: 'puller',
              image: plan.image,
              args: ['/app/puller.js', plan.task],
              env: [
                { name: requestVariable, value: JSON.stringify({ ...request, ...network.request }) },
                ...network.env,
                ...(options.env ?? []),
              ],
              ports: [{ name: 'progress', containerPort: progressPort }],
              resources: options.resources,
              terminationMessagePolicy: 'File',
              volumeMounts: [
                { name: 'tmp', mountPath: '/tmp' },
                ...(options.claimName ? [{ name: 'models', mountPath: volumeFolder }] : []),
                ...(model.spec.credentials
                  ? [{ name: 'credentials', mountPath: credentialsFolder, readOnly: true }]
                  : []),
                ...network.mounts,
              ],
              ...hardenedContainer,
            },
          ],
          volumes: [
            { name: 'tmp', emptyDir: {} },
            ...(options.claimName
              ? [{ name: 'models', persistentVolumeClaim: { claimName: options.claimName } }]
              : []),
            ...credentialsVolume(model),
            ...network.volumes,
          ],
        },
      },
    },
  };
}

/**
 * The Secret's token under one name whatever its key is called, and the host it is for. Optional, so that a Secret that
 * is not there becomes an error with a name instead of a pod that never starts.
 */
function credentialsVolume(model: Live<Model>): NonNullable<PodSpec['volumes']> {
  const { credentials } = model.spec;
  if (!credentials) return [];
  // A projection of the whole key list fails when one key is missing; two optional sources do not.
  const one = (key: string, path: string) => ({
    secret: { name: credentials.secretName, items: [{ key, path }], optional: true },
  });
  return [
    {
      name: 'credentials',
      projected: { defaultMode: 0o440, sources: [one(credentials.key, 'token'), one('host', 'host')] },
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
