import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type {
  Deployment,
  NetworkPolicy,
  Node,
  Pod,
  PodDisruptionBudget,
  ResourceSlice,
  Service,
} from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import type { Said } from '../pod-poller.ts';
import type { WeightsClaim } from './claims.ts';
import type { Part } from './parts.ts';
import type { ServerSurroundings } from './workload/objects.ts';

/** Everything that the steps of a ModelServer look at, read once. */
export interface ServerView {
  server: Live<ModelServer>;
  /** The Model that spec.modelRef names, when there is one. */
  model: Live<Model> | undefined;
  /** The Models that are loaded beside it. */
  parts: readonly Part[];
  deployment: Live<Deployment> | undefined;
  service: Live<Service> | undefined;
  /** Objects of the server that not every server has. */
  networkPolicies: Live<NetworkPolicy>[];
  budgets: Live<PodDisruptionBudget>[];
  /** The pods of the Deployment's selector. */
  pods: Live<Pod>[];
  /** What the pods that run last said of their load and of chats, by pod name; those not heard yet are absent. */
  loads: ReadonlyMap<string, Said<LoadState>>;
  /** By uid of pods that do not start, what is said of their volumes (pods/mount-failures.ts). */
  mountFailures: ReadonlyMap<string, string>;
  /** The claims that the weights are on, those that are seen. */
  claims: readonly WeightsClaim[];
  /** All of the cluster; undefined where the operator may not look at them (docs/adr/0027). */
  nodes: readonly Live<Node>[] | undefined;
  /** GPUs that their drivers give by claims, all of the cluster; undefined like nodes. */
  devices: readonly Live<ResourceSlice>[] | undefined;
  /** The image of the runtime that computes on what the server asks for. */
  image: string;
  /** What all servers have in common. */
  surroundings: ServerSurroundings;
  now: Date;
}
