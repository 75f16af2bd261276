import type { ModelStatus } from '../../api/model.ts';
import { persistentVolumeClaims, type PersistentVolumeClaim } from '../../kube/builtin.ts';
import { controlledBy, type Desired, type Live } from '../../kube/kind.ts';
import { parseQuantity } from '../../kube/quantity.ts';
import type { Model } from '../../api/model.ts';
import { models } from '../kinds.ts';
import { labels, managedBy } from '../labels.ts';
import { child, type Outcome } from '../step.ts';
import { formatBytes } from '../text.ts';
import { fingerprint, type ModelView } from './view.ts';

type Resolved = NonNullable<ModelStatus['resolved']>;

const mebi = 2 ** 20;

/**
 * The claim of one revision: another revision gets another, since a volume may be bound to one node. So does a Model that
 * was made again: servers may still hold the claim of the first one, and would wait for ever for its new content.
 */
export function claimName({ metadata, spec }: Live<Model>, { revision }: Resolved): string {
  return `${metadata.name}-${fingerprint([metadata.uid, spec.source, revision]).slice(0, 8)}`;
}

/**
 * The size of a volume for so many bytes, as a quantity: a tenth more for what file systems keep to themselves (ext4:
 * 1.6 % of inodes and 5 % for root), and 256Mi so that a small one holds its journal too.
 */
export function measuredSize(bytes: number): string {
  return `${Math.ceil((bytes * 1.1) / mebi) + 256}Mi`;
}

export function claim(
  model: Live<Model>,
  name: string,
  size: string,
): Desired<PersistentVolumeClaim> & {
  metadata: { name: string; namespace: string };
} {
  const { storage } = model.spec;
  return {
    metadata: {
      name,
      namespace: model.metadata.namespace,
      labels: { ...managedBy, [labels.model]: model.metadata.name },
      ownerReferences: [controlledBy(models, model)],
    },
    spec: {
      accessModes: storage.accessModes,
      storageClassName: storage.storageClassName,
      resources: { requests: { storage: size } },
    },
  };
}

/** Makes the claim. It may stay unbound here: many storage classes bind only when a pod, the puller, needs it. */
export function provideVolume(
  { model, claims }: ModelView,
  { resolved, artifact, storage: before }: ModelStatus,
): Outcome<ModelStatus> {
  if (!resolved) throw new Error('a volume comes after the source is resolved');
  const name = claimName(model, resolved);
  const asked = model.spec.storage.size;
  if (asked !== undefined && parseQuantity(asked) < resolved.sizeBytes) {
    return {
      at: 'blocked',
      reason: 'InsufficientStorage',
      message: `spec.storage.size is ${asked} and the files take ${resolved.size} (${resolved.sizeBytes} bytes): set at least ${measuredSize(resolved.sizeBytes)}, or leave it out.`,
    };
  }
  const size = asked ?? measuredSize(resolved.sizeBytes);
  const live = claims.find(({ metadata }) => metadata.name === name);
  const apply = [child(persistentVolumeClaims, claim(model, name, size))];
  // What was published on a claim that is gone is gone with it, also when another has its name by now.
  const claimUid = live?.metadata.uid;
  const lost = artifact?.claimName === name && artifact.claimUid !== claimUid ? { artifact: undefined } : {};
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
  const bound = phase === 'Bound';
  const message = bound
    ? `Claim ${name} is bound to ${live.spec?.volumeName ?? 'a volume'}.`
    : `Claim ${name} of ${size}, for ${formatBytes(resolved.sizeBytes)}, binds when the puller's pod is scheduled.`;
  const storage = { claimName: name, claimUid, size };
  // Another claim is empty: what was downloaded onto the one before does not count.
  const restarted = before?.claimUid === claimUid ? {} : { progress: undefined };
  return { at: 'done', message, apply, status: { storage, ...restarted, ...lost } };
}
