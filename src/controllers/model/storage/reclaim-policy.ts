import type { ModelStatus } from '../../../api/model-status.ts';
import type { Model } from '../../../api/model.ts';
import { jobs, persistentVolumeClaims, type PersistentVolumeClaim } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels, publishedAnnotation } from '../../labels.ts';
import { child, childRef, type Outcome } from '../../step.ts';
import type { ModelView } from '../view.ts';
import { desiredClaim, isOwn, reclaimPolicyOf } from './claim.ts';

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
      // All else of the current one is seen to when it is provided.
      (reclaimPolicyOf(model, claim) !== reclaimPolicy ||
        (claim.metadata.uid !== storage?.claimUid && lacksLabels(model, claim))),
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

function lacksLabels({ spec }: Live<Model>, { metadata }: Live<PersistentVolumeClaim>): boolean {
  return Object.entries(spec.storage.labels ?? {}).some(([key, value]) => metadata.labels?.[key] !== value);
}
