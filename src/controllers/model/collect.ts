import type { ModelStatus } from '../../api/model.ts';
import { jobs, persistentVolumeClaims } from '../../kube/builtin.ts';
import { labels } from '../labels.ts';
import { childRef, type Outcome } from '../step.ts';
import { shortRevision } from '../text.ts';
import { isOwn } from './claim.ts';
import { pullRequest } from './pull.ts';
import { inspectRequest, type ModelView } from './view.ts';

/**
 * Removes what a published revision has replaced: the Jobs of other requests, and claims that no server uses, retained or
 * not. What a deleted Model of this name has left is for people to remove.
 */
export function collectOldRevisions(
  { model, ...view }: ModelView,
  { artifact, resolved }: ModelStatus,
): Outcome<ModelStatus> {
  if (!artifact || !resolved) throw new Error('collecting comes after a revision is published');
  const current = new Set([
    inspectRequest(model),
    pullRequest(resolved.request, resolved.revision, artifact.claimUid),
  ]);
  const oldJobs = view.jobs.filter(({ metadata }) => !current.has(metadata.labels?.[labels.request] ?? ''));
  const oldClaims = view.claims.filter(
    (claim) =>
      isOwn(model, claim) &&
      claim.metadata.name !== artifact.claimName &&
      !view.claimsInUse.has(claim.metadata.name),
  );
  return {
    at: 'done',
    message: `Serves revision ${shortRevision(artifact.revision)} from claim ${artifact.claimName}.`,
    remove: [
      ...oldJobs.map((job) => childRef(jobs, job)),
      ...oldClaims.map((claim) => childRef(persistentVolumeClaims, claim)),
    ],
  };
}
