import type { ModelStatus } from '../../api/model-status.ts';
import { carriesHashOf } from '../../kube/apply.ts';
import { jobs, persistentVolumeClaims, type PersistentVolumeClaim } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { parseQuantity } from '../../kube/quantity.ts';
import { appliedAnnotation, labels, publishedAnnotation } from '../labels.ts';
import { child, childRef, type Effects, type Outcome } from '../step.ts';
import { formatBytes } from '../text.ts';
import { claimName, claimOf, desiredClaim, isOwn, reclaimPolicyOf } from './claim.ts';
import { factsPublished } from './answer.ts';
import { contentOf } from './content.ts';
import { publishedOn } from './history.ts';
import { missingClass, secondsToBind, waitsFor } from './storage-class.ts';
import { suspended } from './suspend.ts';
import type { ModelView } from './view.ts';

const mebi = 2 ** 20;

/**
 * The size of a volume for so many bytes, as a quantity: a tenth more for what file systems keep to themselves (ext4:
 * 1.6 % of inodes and 5 % for root), and 256Mi so that a small one holds its journal too.
 */
export function measuredSize(bytes: number): string {
  return `${Math.ceil((bytes * 1.1) / mebi) + 256}Mi`;
}

/** A claim never shrinks: one that is larger already, since another Model asked for it, stays as it is. */
function sizeOf(wanted: string, live: Live<PersistentVolumeClaim> | undefined): string {
  const has = live?.spec?.resources?.requests?.['storage'];
  return has !== undefined && parseQuantity(has) > parseQuantity(wanted) ? has : wanted;
}

/**
 * Has every claim of the Model follow its reclaim policy, and what it has on those of others, whatever else is in the
 * way of the Model: it may be deleted while a new revision cannot be resolved, and the published one is to be kept.
 */
export function followReclaimPolicy(
  { model, claims, notes }: ModelView,
  { storage }: ModelStatus,
): Outcome<ModelStatus> {
  const { reclaimPolicy } = model.spec.storage;
  const behind = claims.filter(
    (claim) =>
      isOwn(model, claim) &&
      claim.metadata.deletionTimestamp === undefined &&
      reclaimPolicyOf(model, claim) !== reclaimPolicy,
  );
  const current = claims.find(({ metadata }) => metadata.uid === storage?.claimUid);
  return {
    at: 'done',
    message: `Claims are set up for ${reclaimPolicy}.`,
    apply: behind.map(({ metadata, spec }) => {
      const { accessModes, storageClassName, resources } = spec ?? {};
      return child(
        persistentVolumeClaims,
        desiredClaim(model, {
          name: metadata.name,
          content: metadata.labels?.[labels.content],
          published: metadata.annotations?.[publishedAnnotation],
          spec: { accessModes, storageClassName, resources: { requests: resources?.requests } },
        }),
      );
    }),
    // Without a note nobody knows that there is something to be collected.
    remove: reclaimPolicy === 'Retain' ? notes.map((note) => childRef(jobs, note)) : [],
    ...(storage &&
      current && { status: { storage: { ...storage, reclaimPolicy: reclaimPolicyOf(model, current) } } }),
  };
}

/** Makes the claim. It may stay unbound here: many storage classes bind only when a pod, the puller, needs it. */
export function provideVolume(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { resolved, storage: before } = status;
  if (!resolved) throw new Error('a volume comes after the source is resolved');
  const { model } = view;
  const { size: asked, accessModes, storageClassName } = model.spec.storage;
  const { spaceBytes = resolved.sizeBytes } = resolved;
  if (asked !== undefined && parseQuantity(asked) < spaceBytes) {
    return {
      at: 'blocked',
      reason: 'InsufficientStorage',
      message: `spec.storage.size is ${asked} and the files take ${formatBytes(spaceBytes)} (${spaceBytes} bytes): set at least ${measuredSize(spaceBytes)}, or leave it out.`,
    };
  }
  const live = claimOf(view, resolved);
  const name = live?.metadata.name ?? claimName(model, resolved);
  const size = sizeOf(asked ?? measuredSize(spaceBytes), live);
  const content = contentOf(model, resolved);
  const published = publishedOn(live, status, model.spec.update.keepRevisions);
  const spec = { accessModes, storageClassName, resources: { requests: { storage: size } } };
  const asSpecified = desiredClaim(model, { name, content, published, spec });
  const isApplied = live && carriesHashOf(asSpecified, live, appliedAnnotation);
  // Left out, the class would be taken from a claim that was applied with one: the API server refuses that. One that
  // was applied without has what the API server filled in.
  const withClass = { ...spec, storageClassName: storageClassName ?? live?.spec?.storageClassName };
  const wanted = isApplied ? asSpecified : desiredClaim(model, { name, content, published, spec: withClass });
  const apply = [child(persistentVolumeClaims, wanted)];
  const lost = lostArtifact(view, status);
  if (!live && model.spec.suspend) {
    const held = suspended(view, 'pull', 'No claim is made.');
    return { ...held, status: { progress: undefined, ...lost } };
  }
  if (!live) {
    return {
      at: 'waiting',
      reason: 'WaitingForVolume',
      message: `Claim ${name} of ${size} is being made.`,
      apply,
      status: { storage: { claimName: name, size }, progress: undefined, ...lost },
    };
  }
  if (live.metadata.deletionTimestamp !== undefined) {
    return {
      at: 'waiting',
      reason: 'WaitingForVolume',
      message: `Claim ${name} is being deleted; it is made again when it is gone.`,
    };
  }
  const phase = live.status?.phase;
  if (phase === 'Lost') {
    return {
      at: 'blocked',
      reason: 'VolumeLost',
      message: `The volume ${live.spec?.volumeName ?? ''} of claim ${name} is gone. Delete the claim to have it made and filled again.`,
    };
  }
  const message =
    phase === 'Bound'
      ? `Claim ${name} is bound to ${live.spec?.volumeName ?? 'a volume'}.`
      : `Claim ${name} of ${size}, for ${formatBytes(resolved.sizeBytes)}, ${waitsFor(live, view.storageClasses ?? [])}.`;
  const claimUid = live.metadata.uid;
  const reclaimPolicy = reclaimPolicyOf(model, live);
  const storage = { claimName: name, claimUid, size, reclaimPolicy };
  // Another claim is empty: what was downloaded onto the one before does not count.
  const restarted = before?.claimUid === claimUid ? {} : { progress: undefined };
  const effects = { apply, status: { storage, ...restarted, ...lost } };
  const missing = view.storageClasses && missingClass(live, view.storageClasses);
  if (missing !== undefined) return withoutClass(view, live, missing, effects);
  return { at: 'done', message, ...effects };
}

/**
 * What was published on a claim that is gone is gone with it, also when another has its name by now. The facts that are
 * told are those of the resolved revision then.
 */
export function lostArtifact(
  { claims, otherClaims }: ModelView,
  status: ModelStatus,
): { [Member in keyof ModelStatus]?: ModelStatus[Member] | undefined } {
  const { artifact } = status;
  const isThere = [...claims, ...otherClaims].some(({ metadata }) => metadata.uid === artifact?.claimUid);
  return artifact && !isThere ? { artifact: undefined, ...factsPublished(status) } : {};
}

/** The claim stays where it is: it may bind to a volume that is there, or is made by hand. */
function withoutClass(
  { model, now }: ModelView,
  live: Live<PersistentVolumeClaim>,
  message: string,
  effects: Effects<ModelStatus>,
): Outcome<ModelStatus> {
  const { name, creationTimestamp } = live.metadata;
  const [has, asked] = [live.spec?.storageClassName, model.spec.storage.storageClassName];
  // Nothing is on it yet, and the class that a claim names can never be another.
  if (isOwn(model, live) && has !== undefined && asked !== undefined && asked !== has) {
    return {
      at: 'waiting',
      reason: 'WaitingForVolume',
      message: `Claim ${name} is for StorageClass ${has}, which does not exist; it is made again for ${asked}.`,
      remove: [childRef(persistentVolumeClaims, live)],
    };
  }
  const age = (now.getTime() - new Date(creationTimestamp ?? 0).getTime()) / 1000;
  if (age < secondsToBind) {
    return {
      at: 'waiting',
      reason: 'WaitingForVolume',
      message: `Claim ${name} waits for a volume.`,
      recheckAfter: secondsToBind - age,
      ...effects,
    };
  }
  return { at: 'blocked', reason: 'StorageClassNotFound', message, ...effects };
}
