import type {
  EventsV1Event,
  V1Deployment,
  V1Job,
  V1Lease,
  V1Node,
  V1NetworkPolicy,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1ResourceSlice,
  V1Service,
  V1ServiceAccount,
  V1StorageClass,
} from '@kubernetes/client-node';
import type { Kind } from './kind.ts';

/**
 * client-node's generated classes describe objects after its deserializer, with Date for times, and `_from` for a word that
 * some languages keep for themselves; over plain HTTP a time is a string. Undefined members are allowed because JSON drops
 * them.
 */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? {
          [K in keyof T as K extends `_${infer Word}` ? Word : K]:
            Wire<T[K]> | (undefined extends T[K] ? undefined : never);
        }
      : T;

export type Job = Wire<V1Job>;
export type Pod = Wire<V1Pod>;
export type PersistentVolumeClaim = Wire<V1PersistentVolumeClaim>;
export type StorageClass = Wire<V1StorageClass>;
export type Deployment = Wire<V1Deployment>;
export type Service = Wire<V1Service>;
export type Node = Wire<V1Node>;
export type ResourceSlice = Wire<V1ResourceSlice>;
export type ServiceAccount = Wire<V1ServiceAccount>;
export type NetworkPolicy = Wire<V1NetworkPolicy>;
export type PodDisruptionBudget = Wire<V1PodDisruptionBudget>;
export type KubeEvent = Wire<EventsV1Event>;
export type Lease = Wire<V1Lease>;

export const jobs: Kind<Job> = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true };
export const pods: Kind<Pod> = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const persistentVolumeClaims: Kind<PersistentVolumeClaim> = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
  namespaced: true,
};
export const storageClasses: Kind<StorageClass> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  namespaced: false,
};
export const nodes: Kind<Node> = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
/** What a driver for dynamic resource allocation has to give on a node. Kubernetes has them since 1.34. */
export const resourceSlices: Kind<ResourceSlice> = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceSlice',
  plural: 'resourceslices',
  namespaced: false,
};
export const deployments: Kind<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
};
export const services: Kind<Service> = {
  apiVersion: 'v1',
  kind: 'Service',
  plural: 'services',
  namespaced: true,
};
export const serviceAccounts: Kind<ServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};
export const networkPolicies: Kind<NetworkPolicy> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  namespaced: true,
};
export const podDisruptionBudgets: Kind<PodDisruptionBudget> = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
};
export const events: Kind<KubeEvent> = {
  apiVersion: 'events.k8s.io/v1',
  kind: 'Event',
  plural: 'events',
  namespaced: true,
};
export const leases: Kind<Lease> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};
