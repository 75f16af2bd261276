import { isGpuDriver } from '../api/gpu.ts';
import { labelPrefix } from '../controllers/labels.ts';
import { madeForAnnotation } from '../controllers/modelserver/claims.ts';
import type {
  Deployment,
  Job,
  Node,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  ResourceSlice,
  StorageClass,
} from '../kube/builtin.ts';
import type { KubeObject, Live } from '../kube/kind.ts';
import { defaultClassAnnotations } from '../kube/storage-class.ts';

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
type ContainerState = NonNullable<ContainerStatus['state']>;

/**
 * What the caches keep of a pod: whose it is, which claims it mounts, on which node, and what its status says of how far
 * it is. A pod is several kilobytes otherwise, most of it a spec that others wrote.
 */
export function prunePod({ apiVersion, kind, metadata, spec, status = {} }: Live<Pod>): Live<Pod> {
  const { phase, podIP, conditions, containerStatuses } = status;
  const volumes = (spec?.volumes ?? []).flatMap(({ name, persistentVolumeClaim }) =>
    persistentVolumeClaim
      ? [{ name, persistentVolumeClaim: { claimName: persistentVolumeClaim.claimName } }]
      : [],
  );
  return {
    apiVersion,
    kind,
    metadata: identity(metadata),
    ...(volumes.length > 0 && {
      spec: { containers: [], volumes, ...(spec?.nodeName !== undefined && { nodeName: spec.nodeName }) },
    }),
    status: {
      ...(phase !== undefined && { phase }),
      ...(podIP !== undefined && { podIP }),
      ...(conditions && {
        conditions: conditions.map(({ type, status, reason, message }) => ({
          type,
          status,
          reason,
          message,
        })),
      }),
      ...(containerStatuses && { containerStatuses: containerStatuses.map(pruneContainer) }),
    },
  };
}

/**
 * What the caches keep of a Job: which it is, and how it stands. What a Job is to do is never changed; its name and
 * labels tell it. Objects that are applied again keep their whole spec: it is compared with what is wanted.
 */
export function pruneJob({ apiVersion, kind, metadata, status = {} }: Live<Job>): Live<Job> {
  const { conditions } = status;
  return {
    apiVersion,
    kind,
    metadata: identity(metadata),
    status: {
      ...(conditions && {
        conditions: conditions.map(({ type, status, reason, message, lastTransitionTime }) => ({
          type,
          status,
          reason,
          message,
          lastTransitionTime,
        })),
      }),
    },
  };
}

/**
 * What the caches keep of a Deployment: all but most of the conditions of its status. That its pods are refused, and how
 * its rollout is, is said there alone. Its spec is compared with what is wanted.
 */
export function pruneDeployment({ status = {}, ...deployment }: Live<Deployment>): Live<Deployment> {
  const { conditions, ...counts } = status;
  const told = (conditions ?? []).flatMap(({ type, status: state, reason, message, lastTransitionTime }) => {
    if (type === 'ReplicaFailure') return { type, status: state, message, lastTransitionTime };
    return type === 'Progressing' ? { type, status: state, reason } : [];
  });
  return { ...deployment, status: { ...counts, ...(told.length > 0 && { conditions: told }) } };
}

/** What the caches keep of a budget: all but how many pods may go at the moment. */
export function pruneBudget(budget: Live<PodDisruptionBudget>): Live<PodDisruptionBudget> {
  const { status: _, ...kept } = budget;
  return kept;
}

/** Who an object is: with labels of ours only, and of its owners the one that controls it. */
function identity<M extends Live<KubeObject>['metadata']>(metadata: M): M {
  const { annotations: _, generateName: __, generation: ___, labels, ownerReferences, ...rest } = metadata;
  const ours = Object.entries(labels ?? {}).filter(([name]) => name.startsWith(labelPrefix));
  const controller = ownerReferences?.find((owner) => owner.controller === true);
  return {
    ...rest,
    ...(ours.length > 0 && { labels: Object.fromEntries(ours) }),
    ...(controller && { ownerReferences: [controller] }),
  } as M;
}

function pruneContainer({ name, ready, restartCount, state, lastState }: ContainerStatus): ContainerStatus {
  return {
    name,
    // The type wants these two.
    image: '',
    imageID: '',
    ready,
    restartCount,
    ...(state && { state: pruneState(state) }),
    ...(lastState && { lastState: pruneState(lastState) }),
  };
}

/** How a container ended and with which words, not when. */
function pruneState({ terminated, ...state }: ContainerState): ContainerState {
  if (terminated === undefined) return state;
  const { exitCode, reason, message } = terminated;
  return { terminated: { exitCode, reason, message } };
}

/** What the caches keep of a claim that Longshore has not made: whether it can be used. There may be very many. */
export function pruneClaim({
  apiVersion,
  kind,
  metadata: {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    labels,
    annotations,
  },
  spec: { accessModes, storageClassName, volumeName, resources } = {},
  status: { phase, capacity, accessModes: boundModes } = {},
}: Live<PersistentVolumeClaim>): Live<PersistentVolumeClaim> {
  const madeFor = annotations?.[madeForAnnotation];
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace,
      uid,
      resourceVersion,
      creationTimestamp,
      deletionTimestamp,
      labels,
      ...(madeFor !== undefined && { annotations: { [madeForAnnotation]: madeFor } }),
    },
    spec: { accessModes, storageClassName, volumeName, resources: { requests: resources?.requests } },
    status: { phase, capacity, accessModes: boundModes },
  };
}

/** What the caches keep of a node: its labels, and what it has for pods. A node is ten kilobytes otherwise, most of it images. */
export function pruneNode({
  apiVersion,
  kind,
  metadata: { name, uid, resourceVersion, labels },
  status: { allocatable } = {},
}: Live<Node>): Live<Node> {
  return {
    apiVersion,
    kind,
    metadata: { name, uid, resourceVersion, labels },
    status: { allocatable },
  };
}

/** What the caches keep of the devices of a driver: on which node they are, and the memory of GPUs. A device is a kilobyte otherwise. */
export function pruneDevices({
  apiVersion,
  kind,
  metadata: { name, uid, resourceVersion },
  spec: { driver, nodeName, pool, devices = [] },
}: Live<ResourceSlice>): Live<ResourceSlice> {
  const kept = isGpuDriver(driver) ? devices : [];
  return {
    apiVersion,
    kind,
    metadata: { name, uid, resourceVersion },
    spec: {
      driver,
      ...(nodeName !== undefined && { nodeName }),
      pool,
      devices: kept.map(({ name, capacity }) => ({
        name,
        ...(capacity?.['memory'] && { capacity: { memory: { value: capacity['memory'].value } } }),
      })),
    },
  };
}

/** What the caches keep of a StorageClass: its name, whether it is a default one, when it has volumes made, and whether these grow. */
export function pruneStorageClass({
  apiVersion,
  kind,
  metadata: { name, uid, resourceVersion, annotations = {} },
  provisioner,
  volumeBindingMode,
  allowVolumeExpansion,
}: Live<StorageClass>): Live<StorageClass> {
  const kept = Object.entries(annotations).filter(([key]) =>
    (defaultClassAnnotations as readonly string[]).includes(key),
  );
  const metadata = { name, uid, resourceVersion, annotations: Object.fromEntries(kept) };
  return {
    apiVersion,
    kind,
    metadata,
    provisioner,
    ...(volumeBindingMode && { volumeBindingMode }),
    ...(allowVolumeExpansion === true && { allowVolumeExpansion }),
  };
}
