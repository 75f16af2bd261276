import type { ModelStatus } from '../../../api/model-status.ts';
import type { Reason } from '../../../api/reasons.ts';
import { jobs, type PersistentVolumeClaim } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels, managedBy } from '../../labels.ts';
import { child, type Outcome } from '../../step.ts';
import { namedClaim, type NamedClaim } from './claim.ts';
import { noteFor } from '../collect/note.ts';
import { bindsToPod, missingClass, secondsToBind, waitsFor } from './storage-class.ts';
import type { ModelView } from '../view.ts';
import { lostArtifact } from './volume.ts';

type Claim = Live<PersistentVolumeClaim>;

/**
 * Looks whether the claim that the spec names can be used. It is somebody else's: it is never made, changed or deleted
 * here. Before files come onto it, a note says that they are there.
 */
export function useNamedClaim(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { storage: before } = status;
  const { model, otherClaims, image, defaults } = view;
  const named = namedClaim(model.spec);
  if (!named) throw new Error('the spec names no claim');
  const { name, isStore } = named;
  const lost = lostArtifact(view, status);
  const claim = otherClaims.find(({ metadata }) => metadata.name === name);
  if (!claim) {
    const message = `There is no claim "${name}" in namespace "${model.metadata.namespace}". Create it, or correct ${named.field}.`;
    const none = { ...lost, storage: undefined, progress: undefined };
    return { at: 'blocked', reason: 'ClaimNotFound', message, status: none };
  }
  const refusal = refusalOf(claim, named);
  if (refusal) return { at: 'blocked', ...refusal, status: lost };

  const { uid } = claim.metadata;
  const isToGo = isStore && model.spec.storage.reclaimPolicy === 'Delete';
  const note = noteFor(model, { claim: { name, uid }, image, defaults });
  const isNoted = view.notes.some(({ metadata }) => metadata.name === note.metadata.name);
  const isSame = before?.claimUid === uid;
  const storage: ModelStatus['storage'] = {
    claimName: name,
    claimUid: uid,
    size: claim.status?.capacity?.['storage'] ?? claim.spec?.resources?.requests?.['storage'] ?? '',
    reclaimPolicy: isNoted ? 'Delete' : 'Retain',
    ...(isSame && before.replaced && { replaced: before.replaced }),
  };
  const effects = {
    ...(isToGo && { apply: [child(jobs, note)] }),
    status: { ...lost, storage, ...(!isSame && { progress: undefined }) },
  };
  return { ...whetherBound(view, claim, named), ...effects };
}

/** What is wrong with a claim that time does not mend. */
function refusalOf(
  claim: Claim,
  { name, field, isStore }: NamedClaim,
): { reason: Reason; message: string } | undefined {
  const { metadata, spec, status } = claim;
  if (Object.entries(managedBy).every(([label, value]) => metadata.labels?.[label] === value)) {
    const owner = metadata.labels?.[labels.model] ?? '';
    const message = `Claim ${name} was made for Model "${owner}" and goes with it. Name another in ${field}; a retained one becomes yours when its label app.kubernetes.io/managed-by is taken off.`;
    return { reason: 'ClaimOfModel', message };
  }
  if (metadata.deletionTimestamp !== undefined) {
    const message = `Claim ${name} is being deleted, and goes when no pod uses it. Name another in ${field}, or make it again then.`;
    return { reason: 'ClaimTerminating', message };
  }
  if (status?.phase === 'Lost') {
    const message = `The volume ${spec?.volumeName ?? ''} of claim ${name} is gone. Make the claim again, or name another in ${field}.`;
    return { reason: 'VolumeLost', message };
  }
  const modes = status?.accessModes ?? spec?.accessModes ?? [];
  if (isStore && modes.length > 0 && modes.every((mode) => mode === 'ReadOnlyMany')) {
    const message = `Claim ${name} can be mounted read-only and no other way (ReadOnlyMany), so nothing can be pulled onto it. Name another in ${field}; what is on it already can be used as spec.source.volume.`;
    return { reason: 'VolumeReadOnly', message };
  }
  return undefined;
}

/** A claim that binds to its first pod is one to go on with. */
function whetherBound(
  { storageClasses, now }: ModelView,
  claim: Claim,
  { name }: NamedClaim,
): Outcome<ModelStatus> {
  const { spec, status, metadata } = claim;
  if (status?.phase === 'Bound' || spec?.volumeName !== undefined) {
    return { at: 'done', message: `Claim ${name} is bound to ${spec?.volumeName ?? 'a volume'}.` };
  }
  if (!storageClasses) return { at: 'done', message: `Claim ${name} is not bound to a volume yet.` };
  const message = `Claim ${name} ${waitsFor(claim, storageClasses)}.`;
  const missing = missingClass(claim, storageClasses, `a claim that you make again`);
  if (missing === undefined) {
    return bindsToPod(claim, storageClasses)
      ? { at: 'done', message }
      : { at: 'waiting', reason: 'WaitingForVolume', message };
  }
  const age = (now.getTime() - new Date(metadata.creationTimestamp ?? 0).getTime()) / 1000;
  if (age < secondsToBind) {
    const recheckAfter = secondsToBind - age;
    return { at: 'waiting', reason: 'WaitingForVolume', message, recheckAfter };
  }
  return { at: 'blocked', reason: 'StorageClassNotFound', message: missing };
}
