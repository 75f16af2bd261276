import type { ModelStatus } from '../../api/model-status.ts';
import type { Model } from '../../api/model.ts';
import type { PersistentVolumeClaim } from '../../kube/builtin.ts';
import { stableJson } from '../../kube/covers.ts';
import { controlledBy, controllerOf, type Desired, type Live } from '../../kube/kind.ts';
import { models } from '../kinds.ts';
import { labels, managedBy, publishedAnnotation } from '../labels.ts';
import { newestFirst } from '../pods.ts';
import { isRetained, retained } from '../retention.ts';
import { contentOf, originOf } from './content.ts';
import { fingerprint, type ModelView } from './view.ts';

type Resolved = NonNullable<ModelStatus['resolved']>;
type Claim = Live<PersistentVolumeClaim>;
export type ReclaimPolicy = Model['spec']['storage']['reclaimPolicy'];

/**
 * The claim of one revision: another revision gets another, since a volume may be bound to one node. So does a Model that
 * was made again: servers may still hold the claim of the first one, and would wait for ever for its new content.
 */
export function claimName(model: Live<Model>, resolved: Resolved): string {
  const { name, uid } = model.metadata;
  return `${name}-${fingerprint([uid, contentOf(model, resolved)]).slice(0, 8)}`;
}

/** A claim that the spec names, by which field, and whether the Model stores files there or has them there already. */
export interface NamedClaim {
  name: string;
  field: string;
  isStore: boolean;
}

/** Undefined where the Model gets claims of its own. */
export function namedClaim({
  source: { volume },
  storage: { claimName },
}: Model['spec']): NamedClaim | undefined {
  if (volume) return { name: volume.claimName, field: 'spec.source.volume.claimName', isStore: false };
  return claimName === undefined
    ? undefined
    : { name: claimName, field: 'spec.storage.claimName', isStore: true };
}

/**
 * The claim that the resolved revision is on or goes to: the one that the spec names, else the Model's own, else one that
 * a deleted Model of this name has left, as far as it is of the kind that the spec asks for. One that is being deleted
 * only where its name is needed.
 */
export function claimOf({ model, claims, otherClaims }: ModelView, resolved: Resolved): Claim | undefined {
  const named = namedClaim(model.spec);
  if (named) return otherClaims.find(({ metadata }) => metadata.name === named.name);
  const content = contentOf(model, resolved);
  const filled = claims.filter(
    ({ metadata }) =>
      metadata.labels?.[labels.content] === content && metadata.deletionTimestamp === undefined,
  );
  const name = claimName(model, resolved);
  return (
    filled.find((claim) => isOwn(model, claim)) ??
    newestFirst(filled.filter((claim) => fits(model, claim)))[0] ??
    claims.find(({ metadata }) => metadata.name === name)
  );
}

/** Whether a claim of the view is this very Model's, as opposed to what a deleted one of its name has left. */
export function isOwn({ metadata }: Live<Model>, claim: Claim): boolean {
  return (
    controllerOf(claim)?.uid === metadata.uid || claim.metadata.labels?.[labels.modelUid] === metadata.uid
  );
}

/**
 * Modes and class of a claim can never be changed, and a volume that is gone holds nothing. Who has filled it has to be
 * asked by this Model too.
 */
function fits({ spec: { source, storage } }: Model, { metadata, spec, status }: Claim): boolean {
  const { storageClassName = spec?.storageClassName, accessModes } = storage;
  return (
    spec?.storageClassName === storageClassName &&
    metadata.labels?.[labels.origin] === originOf(source) &&
    stableJson(spec?.accessModes) === stableJson(accessModes) &&
    status?.phase !== 'Lost'
  );
}

/** What the claim is set up for by now. */
export function reclaimPolicyOf({ metadata }: Live<Model>, claim: Claim): ReclaimPolicy {
  return isRetained(claim, metadata.name) ? 'Retain' : 'Delete';
}

export interface WantedClaim {
  name: string;
  content: string | undefined;
  /** What was verified on it, as the annotation has it. */
  published?: string | undefined;
  spec: PersistentVolumeClaim['spec'];
}

/** A claim as it is to be under the Model's reclaim policy. */
export function desiredClaim(
  model: Live<Model>,
  { name, content, published, spec }: WantedClaim,
): Desired<PersistentVolumeClaim> & { metadata: { name: string; namespace: string } } {
  const { metadata, spec: wanted } = model;
  const ours = {
    ...managedBy,
    [labels.model]: metadata.name,
    [labels.modelUid]: metadata.uid,
    ...(content !== undefined && { [labels.content]: content, [labels.origin]: originOf(wanted.source) }),
  };
  const held =
    wanted.storage.reclaimPolicy === 'Retain'
      ? { labels: { ...ours, ...retained } }
      : { labels: ours, ownerReferences: [controlledBy(models, model)] };
  const told = published === undefined ? {} : { annotations: { [publishedAnnotation]: published } };
  return { metadata: { name, namespace: metadata.namespace, ...held, ...told }, spec };
}
