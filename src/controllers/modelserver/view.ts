import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Deployment, Pod, Service } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import type { Said } from '../pod-poller.ts';

/** Everything that the steps of a ModelServer look at, read once. */
export interface ServerView {
  server: Live<ModelServer>;
  /** The Model that spec.modelRef names, when there is one. */
  model: Live<Model> | undefined;
  deployment: Live<Deployment> | undefined;
  service: Live<Service> | undefined;
  /** The pods of the Deployment's selector. */
  pods: Live<Pod>[];
  /** What the pods that run last said of their load and of chats, by pod name; those not heard yet are absent. */
  loads: ReadonlyMap<string, Said<LoadState>>;
  /** The image of the runtime that computes on what the server asks for. */
  image: string;
  now: Date;
}
