import type { ModelStatus } from '../../api/model-status.ts';
import { jobs, persistentVolumeClaims } from '../../kube/builtin.ts';
import { labels } from '../labels.ts';
import { child, childRef, type Effects, type Outcome } from '../step.ts';
import { shortRevision } from '../text.ts';
import { newestAttempt } from './attempts.ts';
import { isOwn, namedClaim } from './claim.ts';
import { collectJob } from './jobs.ts';
import { graceWhilePulling } from './leftovers.ts';
import { pullRequest } from './pull.ts';
import { fingerprint, inspectRequest, type ModelView } from './view.ts';

type Artifact = NonNullable<ModelStatus['artifact']>;
type Collecting = Effects<ModelStatus> & { still?: string; recheckAfter?: number | undefined };

/**
 * Removes what a published revision has replaced: the Jobs of other requests, claims that no server uses, retained or
 * not, and the files on a shared claim. What a deleted Model of this name has left is for people to remove, or for its
 * note (note.ts).
 */
export function collectOldRevisions(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { model } = view;
  const { artifact, resolved } = status;
  if (!artifact || !resolved) throw new Error('collecting comes after a revision is published');
  const current = new Set([
    inspectRequest(model),
    pullRequest(resolved.request, resolved.revision, artifact.claimUid),
    collectRequest(artifact),
  ]);
  const oldJobs = view.jobs.filter(({ metadata }) => !current.has(metadata.labels?.[labels.request] ?? ''));
  const inUse = new Set(view.servers.map(({ status: told }) => told?.model?.claimName));
  const oldClaims = view.claims.filter(
    (claim) =>
      isOwn(model, claim) && claim.metadata.name !== artifact.claimName && !inUse.has(claim.metadata.name),
  );
  const { still, recheckAfter, apply, remove = [], ...effects } = collectReplaced(view, status, artifact);
  const serves = `Serves revision ${shortRevision(artifact.revision)} from claim ${artifact.claimName}.`;
  return {
    at: 'done',
    message: still === undefined ? serves : `${serves} ${still}`,
    recheckAfter,
    ...(apply && { apply }),
    remove: [
      ...oldJobs.map((job) => childRef(jobs, job)),
      ...oldClaims.map((claim) => childRef(persistentVolumeClaims, claim)),
      ...remove,
    ],
    ...effects,
  };
}

/** Names the question "take off the claim what this artifact has replaced there". */
function collectRequest({ claimUid, digest }: Artifact): string {
  return fingerprint(['collect', claimUid, digest]);
}

/**
 * On a claim that others share nothing goes with a claim: a Job removes the files of earlier artifacts, when all pods of
 * servers have turned to this one. The Model is Ready meanwhile.
 */
function collectReplaced(view: ModelView, { storage }: ModelStatus, artifact: Artifact): Collecting {
  const { model, unsettled, image, defaults } = view;
  const { replaced = [] } = storage ?? {};
  if (!storage || replaced.length === 0 || !namedClaim(model.spec)?.isStore) return {};
  const files = `The files of ${replaced.length === 1 ? 'the revision before' : `${replaced.length} earlier revisions`}`;
  const request = collectRequest(artifact);
  const attempt = newestAttempt(view, 'collect', request);
  const start = (number: number) => [
    child(
      jobs,
      collectJob(model, {
        request,
        attempt: number,
        image,
        defaults,
        ownedBy: model,
        claim: { name: artifact.claimName, uid: artifact.claimUid },
        except: [artifact.digest],
        graceSeconds: view.isQuiet ? 0 : graceWhilePulling,
      }),
    ),
  ];
  if (attempt.state === 'none') {
    // Until its status is written no server can have turned to what it publishes: who seems settled is on the other.
    const isTold = model.status?.artifact?.digest === artifact.digest;
    if (isTold && unsettled.length === 0) return { still: `${files} are being removed.`, apply: start(1) };
    const users = isTold ? `: ${unsettled.join(', ')}` : '';
    return { still: `${files} stay while ModelServers may use them${users}.` };
  }
  if (attempt.state === 'running') {
    return { still: `${files} are being removed.`, recheckAfter: attempt.recheckAfter };
  }
  if (attempt.state === 'succeeded') {
    const { replaced: _, ...rest } = storage;
    return { status: { storage: rest } };
  }
  const { message, secondsToNext, number } = attempt;
  const still = `${files} could not be removed yet: ${message}`;
  if (secondsToNext > 0) return { still, recheckAfter: secondsToNext };
  return { still, apply: start(number + 1), remove: [childRef(jobs, attempt.job)] };
}
