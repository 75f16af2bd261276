import type { Model } from '../../../api/model.ts';
import type { PersistentVolumeClaim } from '../../../kube/builtin.ts';
import { stableJson } from '../../../kube/covers.ts';
import { controlledBy, controllerOf, type Desired, type Live } from '../../../kube/kind.ts';
import { models } from '../../kinds.ts';
import { labels, managedBy, publishedAnnotation } from '../../labels.ts';
import { newestFirst } from '../../pods.ts';
import { isRetained, retained } from '../../retention.ts';
import { contentOf, originOf } from '../source/content.ts';
import { fingerprint, type ModelView, type Resolved } from '../view.ts';

type Claim = Live<PersistentVolumeClaim>;
export type ReclaimPolicy = Model['spec']['storage']['reclaimPolicy'];

/**
 * The claim of one revision: another revision gets another, since a volume may be bound to one node. So does a Model that
 * was made again: servers may still hold the claim of the first one, and would wait for ever for its new content. And so
 * does another class or another set of modes, which a claim can never take on.
 */
export function claimName(model: Live<Model>, resolved: Resolved): string {
  const { metadata, spec } = model;
  const { storageClassName, accessModes } = spec.storage;
  const parts = [metadata.uid, contentOf(model, resolved), storageClassName, accessModes];
  return `${metadata.name}-${fingerprint(parts).slice(0, 8)}`;
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
 * a deleted Model of this name has left, which asked the same place, or that somebody has labelled so, all of the kind that
 * the spec asks for. One that is being deleted only where its name is needed. What a claim without a label for its content
 * holds is seen when it is pulled.
 */
export function claimOf({ model, claims, otherClaims }: ModelView, resolved: Resolved): Claim | undefined {
  const named = namedClaim(model.spec);
  if (named) return otherClaims.find(({ metadata }) => metadata.name === named.name);
  const content = contentOf(model, resolved);
  const ofKind = newestFirst(
    claims.filter(
      (claim) => claim.metadata.deletionTimestamp === undefined && isOfKind(model.spec.storage, claim),
    ),
  );
  const left = ofKind.filter((claim) => !isOwn(model, claim) && claim.status?.phase !== 'Lost');
  const contentIn = ({ metadata }: Claim) => metadata.labels?.[labels.content];
  const origin = originOf(model.spec.source);
  const isFromThere = ({ metadata }: Claim) => metadata.labels?.[labels.origin] === origin;
  const name = claimName(model, resolved);
  return (
    ofKind.find((claim) => isOwn(model, claim) && contentIn(claim) === content) ??
    left.find((claim) => contentIn(claim) === content && isFromThere(claim)) ??
    left.find((claim) => contentIn(claim) === undefined) ??
    claims.find(({ metadata }) => metadata.name === name)
  );
}

/**
 * Claims of the Model for this content that never got a volume and are of another kind than the spec asks for by now:
 * nothing is on them.
 */
export function abandonedClaims({ model, claims }: ModelView, resolved: Resolved): Claim[] {
  const content = contentOf(model, resolved);
  return claims.filter(
    (claim) =>
      isOwn(model, claim) &&
      claim.metadata.labels?.[labels.content] === content &&
      claim.metadata.deletionTimestamp === undefined &&
      claim.status?.phase === 'Pending' &&
      claim.spec?.volumeName === undefined &&
      !isOfKind(model.spec.storage, claim),
  );
}

/** Whether a claim of the view is this very Model's, as opposed to what a deleted one of its name has left. */
export function isOwn({ metadata }: Live<Model>, claim: Claim): boolean {
  return (
    controllerOf(claim)?.uid === metadata.uid || claim.metadata.labels?.[labels.modelUid] === metadata.uid
  );
}

/** Modes and class of a claim can never be changed. A class that is left out may be any. */
function isOfKind(storage: Model['spec']['storage'], { spec }: Claim): boolean {
  const { storageClassName = spec?.storageClassName, accessModes } = storage;
  return (
    spec?.storageClassName === storageClassName && stableJson(spec?.accessModes) === stableJson(accessModes)
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
    ...wanted.storage.labels,
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
