import { withHash } from '../../kube/apply.ts';
import type { Deployment, Node, Pod, ResourceSlice } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { appliedAnnotation, labels } from '../labels.ts';
import { madeForAnnotation, type WeightsClaim } from '../modelserver/claims.ts';
import type { ServerView } from '../modelserver/view.ts';
import { planRollout } from '../modelserver/rollout/plan.ts';
import { aClaim, aModel, anArtifact, aServerView, meta, secondsAgo } from './objects.ts';

/** A server's Deployment and pods as the informers hand them out, for tests of what is decided by them. */

export type PodStatus = NonNullable<Pod['status']>;

export interface PodChoices extends PodStatus {
  ready?: boolean;
  /** Whether it is of what is wanted now; default `new`. */
  of?: 'new' | 'old';
  /** Seconds since it was made. */
  age?: number;
}

/** A pod of the server that runs, and is ready when that is said. */
export function aServerPod(
  name: string,
  { ready = false, of = 'new', age = 60, ...status }: PodChoices = {},
): Live<Pod> {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return {
    metadata: meta(name, { labels: { [labels.template]: of }, creationTimestamp: secondsAgo(age) }),
    status: { phase: 'Running', conditions, ...status },
  };
}

/** A container that ended before and is started again. */
export function ended(end: { message?: string; reason?: string; exitCode?: number }): PodStatus {
  const lastState = { terminated: { exitCode: 1, ...end } };
  return containerThat({ restartCount: 1, lastState });
}

/** A container that waits for this, in the words of the kubelet. */
export function waitsFor(reason: string, message = 'so\nit is'): PodStatus {
  return { phase: 'Pending', ...containerThat({ state: { waiting: { reason, message } } }) };
}

export function containerThat(more: object): PodStatus {
  return {
    containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 0, ...more }],
  };
}

/** A pod that the scheduler has found no node for, in its words. */
export function withoutNode(message: string): PodStatus {
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
  return { phase: 'Pending', conditions: [condition] };
}

/** The Deployment that was applied for this view when there was none, with this status; its pods are those of `new`. */
export function aDeploymentFor(
  view: ServerView,
  status: NonNullable<Deployment['status']> = {},
): Live<Deployment> {
  const model = view.model?.status?.artifact ? view.model : aModel({}, { artifact: anArtifact() });
  const plan = planRollout({ ...view, model, deployment: undefined });
  if (!plan) throw new Error('a Model that has published something is served');
  const { annotations = {} } = withHash<Deployment>(plan.deployment, appliedAnnotation).metadata ?? {};
  return {
    ...plan.deployment,
    metadata: meta('chat', { annotations }),
    spec: {
      selector: {},
      ...plan.deployment.spec,
      template: { metadata: { labels: { [labels.template]: 'new' } } },
    },
    status: { observedGeneration: 1, ...status },
  };
}

/** The Deployment is there and its controller has seen it. */
export function aDeployedView(
  view: Partial<ServerView> = {},
  status: NonNullable<Deployment['status']> = {},
): ServerView {
  const whole = aServerView(view);
  return { ...whole, deployment: whole.deployment ?? aDeploymentFor(whole, status) };
}

export const loading = (percent: number): LoadState => ({ phase: 'loading', percent });
/** A node with these labels, and so much for pods. */
export function aNode(
  name: string,
  labelled: Record<string, string> = {},
  allocatable: Record<string, string> = {},
): Live<Node> {
  const { namespace: _, ...metadata } = meta(name, { labels: labelled });
  return { metadata, status: { allocatable } };
}

/** A node with NVIDIA's GPUs, as its feature discovery labels it. */
export function aGpuNode(name: string, { gpus = 4, memoryMiB = 23034 } = {}): Live<Node> {
  return aNode(name, { 'nvidia.com/gpu.memory': String(memoryMiB) }, { 'nvidia.com/gpu': String(gpus) });
}

/** What a driver says of the devices of a node: GPUs of so much memory, those of `undefined` of none that is told. */
export function aDeviceSlice(
  nodeName: string | undefined,
  memory: readonly (string | undefined)[],
  driver = 'gpu.nvidia.com',
): Live<ResourceSlice> {
  const { namespace: _, ...metadata } = meta(`${nodeName}-${driver}`);
  const devices = memory.map((value, index) => ({
    name: `gpu-${index}`,
    ...(value !== undefined && { capacity: { memory: { value } } }),
  }));
  const pool = { name: nodeName ?? 'fabric', generation: 1, resourceSliceCount: 1 };
  return { metadata, spec: { driver, ...(nodeName !== undefined && { nodeName }), pool, devices } };
}

/** A claim that the weights of the server's Model are on, or of what else is said. */
export function aWeightsClaim(
  name: string,
  accessModes: readonly string[] = ['ReadWriteOnce'],
  { of = ['Model "qwen"'], pods = [], madeFor }: { of?: string[]; pods?: Live<Pod>[]; madeFor?: string } = {},
): WeightsClaim {
  const annotations = madeFor === undefined ? {} : { [madeForAnnotation]: madeFor };
  const claim = aClaim(name, { status: { accessModes: [...accessModes] } });
  return { claim: { ...claim, metadata: { ...claim.metadata, annotations } }, of, pods };
}

/** The status of a Deployment whose one pod answers. */
export const whole = {
  replicas: 1,
  updatedReplicas: 1,
  readyReplicas: 1,
  conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }],
};
