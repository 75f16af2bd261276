import type { ModelStatus } from '../../../api/model-status.ts';
import { reasons, type Reason } from '../../../api/reasons.ts';
import { carriesHashOf } from '../../../kube/apply.ts';
import { persistentVolumeClaims, type PersistentVolumeClaim } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import { appliedAnnotation } from '../../labels.ts';
import { child, childRef, type ChildRef, type Effects, type Outcome } from '../../step.ts';
import { formatBytes } from '../../text.ts';
import { abandonedClaims, claimName, claimOf, desiredClaim, isOwn, reclaimPolicyOf } from './claim.ts';
import { capacityOf, expansionOf, growthOf, type Growth } from './expansion.ts';
import { factsPublished } from '../source/answer.ts';
import { contentOf } from '../source/content.ts';
import { publishedOn } from '../pull/history.ts';
import { missingClass, secondsToBind, waitsFor } from './storage-class.ts';
import { suspended } from '../suspend.ts';
import type { ModelView, Resolved } from '../view.ts';

const mebi = 2 ** 20;

/**
 * The size of a volume for so many bytes, as a quantity: a tenth more for what file systems keep to themselves (ext4:
 * 1.6 % of inodes and 5 % for root), and 256Mi so that a small one holds its journal too.
 */
export function measuredSize(bytes: number): string {
  return `${Math.ceil((bytes * 1.1) / mebi) + 256}Mi`;
}

/** Makes the claim. It may stay unbound here: many storage classes bind only when a pod, the puller, needs it. */
export function provideVolume(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { resolved } = status;
  if (!resolved) throw new Error('a volume comes after the source is resolved');
  const { size: asked } = view.model.spec.storage;
  const { spaceBytes = resolved.sizeBytes } = resolved;
  if (asked !== undefined && parseQuantity(asked) < spaceBytes) {
    return {
      at: 'blocked',
      reason: 'InsufficientStorage',
      message: `spec.storage.size is ${asked} and the files take ${formatBytes(spaceBytes)} (${spaceBytes} bytes): set at least ${measuredSize(spaceBytes)}, or leave it out.`,
    };
  }
  const wanted = asked ?? measuredSize(spaceBytes);
  const live = claimOf(view, resolved);
  if (!live) return newClaim(view, status, resolved, wanted);
  return unusable(live) ?? keptClaim(view, status, resolved, live, wanted);
}

function newClaim(
  view: ModelView,
  status: ModelStatus,
  resolved: Resolved,
  wanted: string,
): Outcome<ModelStatus> {
  const { model } = view;
  const lost = lostArtifact(view, status);
  if (model.spec.suspend) {
    const held = suspended(view, 'pull', 'No claim is made.');
    return { ...held, status: { progress: undefined, ...lost } };
  }
  const name = claimName(model, resolved);
  return {
    at: 'waiting',
    reason: 'WaitingForVolume',
    message: `Claim ${name} of ${wanted} is being made.`,
    apply: [child(persistentVolumeClaims, claimFor(view, status, undefined, wanted))],
    remove: abandoned(view, resolved),
    status: { storage: { claimName: name, size: wanted }, progress: undefined, ...lost },
  };
}

function unusable({ metadata, spec, status }: Live<PersistentVolumeClaim>): Outcome<ModelStatus> | undefined {
  const { name } = metadata;
  if (metadata.deletionTimestamp !== undefined) {
    return {
      at: 'waiting',
      reason: 'WaitingForVolume',
      message: `Claim ${name} is being deleted; it is made again when it is gone.`,
    };
  }
  if (status?.phase !== 'Lost') return undefined;
  return {
    at: 'blocked',
    reason: 'VolumeLost',
    message: `The volume ${spec?.volumeName ?? ''} of claim ${name} is gone. Delete the claim to have it made and filled again.`,
  };
}

/** A claim that is there, brought to what the spec asks for. */
function keptClaim(
  view: ModelView,
  status: ModelStatus,
  resolved: Resolved,
  live: Live<PersistentVolumeClaim>,
  wanted: string,
): Outcome<ModelStatus> {
  const { model } = view;
  const { artifact, storage: before } = status;
  const { size: asked } = model.spec.storage;
  const { name, uid: claimUid } = live.metadata;
  const isPublished = artifact?.claimUid === claimUid && artifact.content === contentOf(model, resolved);
  const growth = growthOf(live, wanted, view.storageClasses, view.growthRefusals.get(name));
  const has = live.spec?.resources?.requests?.['storage'] ?? wanted;
  // An API server that made less of it would do so again.
  const isSent = carriesHashOf(claimFor(view, status, live, wanted), live, appliedAnnotation);
  if (growth.at === 'made again' && isOwn(model, live) && !isPublished && !isSent) {
    return {
      at: 'waiting',
      reason: 'WaitingForVolume',
      message: `Claim ${name} of ${has} has no volume yet; it is made again for ${wanted}.`,
      remove: [childRef(persistentVolumeClaims, live)],
    };
  }
  const suffices = isPublished || capacityOf(live) >= resolved.sizeBytes;
  // Where nobody can tell whether it may grow, only for a reason: each refusal is a request for nothing.
  const isToGrow = view.storageClasses !== undefined || asked !== undefined || !suffices;
  const isSame = parseQuantity(has) === parseQuantity(wanted);
  const size = isSame || (growth.at === 'expanded' && isToGrow) ? wanted : has;
  const reclaimPolicy = reclaimPolicyOf(model, live);
  const effects: Effects<ModelStatus> = {
    apply: [
      {
        ...child(persistentVolumeClaims, claimFor(view, status, live, size)),
        mayBeRefused: growth.at === 'expanded' && size === wanted,
      },
    ],
    remove: abandoned(view, resolved),
    status: {
      storage: { claimName: name, claimUid, size, reclaimPolicy },
      // Another claim is empty: what was downloaded onto the one before does not count.
      ...(before?.claimUid !== claimUid && { progress: undefined }),
      ...lostArtifact(view, status),
    },
  };
  const missing = view.storageClasses && missingClass(live, view.storageClasses);
  if (missing !== undefined) return withoutClass(view, live, missing, effects);
  // Less head-room than is usual, which nobody asked for, is no matter where the files fit in.
  const told =
    growth.at === 'refused' && asked === undefined && suffices
      ? undefined
      : sizeTold(live, growth, wanted, suffices);
  if (told?.at === 'done') {
    const { reason, message } = told;
    effects.conditions = [{ type: 'StorageReady', status: 'True', reason, message }];
  } else if (told) return { ...told, ...effects };
  const message =
    live.status?.phase === 'Bound'
      ? `Claim ${name} is bound to ${live.spec?.volumeName ?? 'a volume'}.`
      : `Claim ${name} of ${size}, for ${formatBytes(resolved.sizeBytes)}, ${waitsFor(live, view.storageClasses ?? [])}.`;
  return { at: 'done', message: told?.message ?? message, ...effects };
}

function abandoned(view: ModelView, resolved: Resolved): ChildRef[] {
  return abandonedClaims(view, resolved).map((claim) => childRef(persistentVolumeClaims, claim));
}

/** The claim as it is to be, of this size. */
function claimFor(
  { model }: ModelView,
  status: ModelStatus,
  live: Live<PersistentVolumeClaim> | undefined,
  size: string,
): ReturnType<typeof desiredClaim> {
  const { resolved } = status;
  if (!resolved) throw new Error('a claim is for what is resolved');
  const { accessModes, storageClassName } = model.spec.storage;
  const name = live?.metadata.name ?? claimName(model, resolved);
  const content = contentOf(model, resolved);
  const published = publishedOn(live, status, model.spec.update.keepRevisions);
  const spec = { accessModes, storageClassName, resources: { requests: { storage: size } } };
  const asSpecified = desiredClaim(model, { name, content, published, spec });
  if (!live || carriesHashOf(asSpecified, live, appliedAnnotation)) return asSpecified;
  // Left out, the class would be taken from a claim that was applied with one: the API server refuses that. One that
  // was applied without has what the API server filled in.
  const withClass = { ...spec, storageClassName: storageClassName ?? live.spec?.storageClassName };
  return desiredClaim(model, { name, content, published, spec: withClass });
}

/** What there is to say of the size of a claim that has a volume; `done` where the files fit in all the same. */
function sizeTold(
  live: Live<PersistentVolumeClaim>,
  growth: Growth,
  wanted: string,
  suffices: boolean,
): { at: 'done' | 'waiting' | 'blocked'; reason: Reason; message: string } | undefined {
  const { name } = live.metadata;
  if (growth.at === 'refused') {
    const has = live.spec?.resources?.requests?.['storage'];
    const { reason, why } = growth;
    const message = `Claim ${name} of ${has} cannot be enlarged to ${wanted}: ${why.replace(/\.$/, '')}. ${reasons[reason].action}`;
    // A quota has room again when something else is gone.
    const at = suffices ? 'done' : reason === 'QuotaExceeded' ? 'waiting' : 'blocked';
    return { at, reason, message };
  }
  const expansion = expansionOf(live);
  if (!expansion) return undefined;
  const at = suffices || expansion.mayMount ? 'done' : 'waiting';
  return { at, reason: 'Resizing', message: `Claim ${name} ${expansion.told}.` };
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
  { now }: ModelView,
  live: Live<PersistentVolumeClaim>,
  message: string,
  effects: Effects<ModelStatus>,
): Outcome<ModelStatus> {
  const { name, creationTimestamp } = live.metadata;
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
