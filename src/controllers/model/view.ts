import { hash } from 'node:crypto';
import type { ModelStatus } from '../../api/model-status.ts';
import type { Model } from '../../api/model.ts';
import type { PullerOptions } from '../../api/puller-options.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Job, PersistentVolumeClaim, Pod, StorageClass } from '../../kube/builtin.ts';
import { findCondition } from '../../kube/conditions.ts';
import { stableJson } from '../../kube/covers.ts';
import type { Live } from '../../kube/kind.ts';
import type { PullerProgress } from '../../protocols/puller.ts';
import type { Said } from '../pod-poller.ts';
import type { Turn } from './pull/turn.ts';

/** What the inspection of the source has found. */
export type Resolved = NonNullable<ModelStatus['resolved']>;

/** Everything that the steps of a Model look at, read once. */
export interface ModelView {
  model: Live<Model>;
  /** Jobs that the Model owns, and their pods. */
  jobs: Live<Job>[];
  pods: Live<Pod>[];
  /** Notes of this very Model, and Jobs that have taken their place (collect/note.ts). */
  notes: Live<Job>[];
  /** Pods that take something off a claim for this very Model, whether or not their Job is there still. */
  collectors: Live<Pod>[];
  /** Pods that pull for this very Model, whether or not their Job is there still. */
  pullers: Live<Pod>[];
  /** Claims that the Model owns, and retained ones that name it: its own, or left by a deleted Model of its name. */
  claims: Live<PersistentVolumeClaim>[];
  /** Claims that are not the Model's: the one that its spec names, and the one that its artifact is on. */
  otherClaims: Live<PersistentVolumeClaim>[];
  /** All of the cluster; undefined where the operator may not look at them (docs/adr/0014). */
  storageClasses: readonly Live<StorageClass>[] | undefined;
  /** ModelServers that name the Model, or mount its claim still. */
  servers: Live<ModelServer>[];
  /** ModelServers that may read anything of the claim that the spec names (storage/claim-users.ts). */
  unsettled: string[];
  /** Whether every Model on that claim has published what it asks for. */
  isQuiet: boolean;
  /** What the pods that pull last said, by pod name; those that were not heard yet are absent. */
  progress: ReadonlyMap<string, Said<PullerProgress>>;
  /** By uid of Jobs that have no pod: why the API server refused one (jobs/pod-refusals.ts). */
  refusals: ReadonlyMap<string, string>;
  /** By name of claims: why the API server would not have them enlarged. */
  growthRefusals: ReadonlyMap<string, string>;
  /** Whether a pull may start. */
  turn: Turn;
  /** The image of the puller, and what holds for it where the Model says nothing. */
  image: string;
  defaults: PullerOptions;
  now: Date;
}

/** Whether the Model has published what its spec asks for now. */
export function hasPublished({ metadata, status }: Live<Model>): boolean {
  const pulled = findCondition(status?.conditions, 'Pulled');
  return pulled?.status === 'True' && pulled.observedGeneration === metadata.generation;
}

/** A short name for a value: equal values have equal names, whatever the order of their members. */
export function fingerprint(value: unknown): string {
  return hash('sha256', stableJson(value)).slice(0, 16);
}

/**
 * Names the question "what does this source hold": another source or other credentials make another question, and so
 * does a Model that was deleted and made again, whose Jobs must not meet those of the first.
 */
export function inspectRequest({ metadata, spec }: Model): string {
  return fingerprint([metadata.uid, spec.source, spec.credentials ?? null]);
}
