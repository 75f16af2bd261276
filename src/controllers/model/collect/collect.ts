import type { Artifact, ModelStatus, Revision } from '../../../api/model-status.ts';
import { keptRevisions } from '../../../api/rollout.ts';
import { jobs, persistentVolumeClaims } from '../../../kube/builtin.ts';
import { formatTime } from '../../../kube/conditions.ts';
import { labels } from '../../labels.ts';
import { child, childRef, type Effects, type Outcome } from '../../step.ts';
import { shortRevision } from '../../text.ts';
import { newestAttempt } from '../jobs/attempts.ts';
import { isOwn, namedClaim } from '../storage/claim.ts';
import { keptOf, recorded, trimmed, withClaims } from '../pull/history.ts';
import { collectJob } from '../jobs/jobs.ts';
import { graceWhilePulling } from './leftovers.ts';
import { pullRequest } from '../pull/pull.ts';
import { isAnsweredNow, questionOf } from '../source/question.ts';
import { fingerprint, inspectRequest, type ModelView } from '../view.ts';

type Collecting = Effects<ModelStatus> & { still?: string; recheckAfter?: number | undefined };

/**
 * Removes what published revisions have replaced and what is not kept of it: the Jobs of other requests, claims that no
 * server uses, retained or not, and the files on a shared claim. What a deleted Model of this name has left is for people
 * to remove, or for its note (note.ts).
 */
export function collectOldRevisions(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { model } = view;
  const { artifact, resolved } = status;
  if (!artifact || !resolved) throw new Error('collecting comes after a revision is published');
  const { history, kept } = keeping(view, status, artifact);
  const others = kept.flatMap(({ claimUid, digest }) => (claimUid === artifact.claimUid ? digest : []));
  const except = [...new Set([artifact.digest, ...others])];
  const current = new Set([
    inspectRequest(model),
    questionOf(model, resolved),
    // Until its answer is written, a Job is not removed.
    questionOf(model, model.status?.resolved),
    pullRequest(resolved.request, resolved.revision, artifact.claimUid),
    collectRequest(artifact, except),
  ]);
  const oldJobs = view.jobs.filter(({ metadata }) => !current.has(metadata.labels?.[labels.request] ?? ''));
  const stays = new Set([
    artifact.claimName,
    ...kept.map(({ claimName }) => claimName),
    // What they serve, and what they go back to when that does not come to serve.
    ...view.servers.flatMap(({ status: told }) => keptRevisions(told).map((one) => one.claimName)),
  ]);
  const oldClaims = view.claims.filter((claim) => isOwn(model, claim) && !stays.has(claim.metadata.name));
  const collecting = collectReplaced(view, { ...status, history }, artifact, except);
  const { still, recheckAfter, apply, remove = [], status: told } = collecting;
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
    status: { history, ...told },
  };
}

/**
 * The history, with what is kept of it. On a claim of the Model's own a revision is there with the claim; on a shared one
 * while it was not collected.
 */
function keeping(
  { model, claims, now }: ModelView,
  { history: told, storage, resolved }: ModelStatus,
  artifact: Artifact,
): { history: Revision[]; kept: Revision[] } {
  const own = claims.filter((claim) => isOwn(model, claim) && claim.metadata.deletionTimestamp === undefined);
  const uids = new Set(own.map(({ metadata }) => metadata.uid));
  const onShared = new Set([artifact.digest, ...(storage?.replaced ?? [])]);
  const isPublished = told?.[0]?.claimUid === artifact.claimUid && told[0].digest === artifact.digest;
  // A status that somebody has written by hand, or a part of which was lost.
  const publishedAt = resolved?.checkedAt ?? formatTime(now);
  const begun = isPublished ? told : recorded(told, { ...artifact, publishedAt });
  const history = withClaims(begun, own);
  const kept = keptOf(history, model.spec.update.keepRevisions, ({ claimUid, digest }) =>
    claimUid === artifact.claimUid ? onShared.has(digest) : uids.has(claimUid),
  );
  return { history: trimmed(history, kept), kept };
}

/** Names the question "take off the claim what this artifact has replaced there, but for what is kept". */
function collectRequest({ claimUid }: Artifact, except: readonly string[]): string {
  return fingerprint(['collect', claimUid, ...except]);
}

/**
 * On a claim that others share nothing goes with a claim: a Job removes the files of earlier artifacts, when all pods of
 * servers have turned to this one. The Model is Ready meanwhile.
 */
function collectReplaced(
  view: ModelView,
  status: ModelStatus,
  artifact: Artifact,
  except: string[],
): Collecting {
  const { model, unsettled, image, defaults } = view;
  const { storage } = status;
  const { replaced = [] } = storage ?? {};
  const old = replaced.filter((digest) => !except.includes(digest));
  if (!storage || old.length === 0 || !namedClaim(model.spec)?.isStore) return {};
  const files = `The files of ${old.length === 1 ? 'an earlier revision' : `${old.length} earlier revisions`}`;
  const request = collectRequest(artifact, except);
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
        except,
        graceSeconds: view.isQuiet ? 0 : graceWhilePulling,
      }),
    ),
  ];
  if (attempt.state === 'none') {
    // Until its status is written no server can have turned to what it publishes: who seems settled is on the other. Nor
    // is it written that what goes is kept no more, by which a switch back to it needs a pull.
    const isTold =
      model.status?.artifact?.digest === artifact.digest &&
      !model.status.history?.some(({ digest, files }) => files && old.includes(digest));
    if (isTold && unsettled.length === 0) return { still: `${files} are being removed.`, apply: start(1) };
    const users = isTold ? `: ${unsettled.join(', ')}` : '';
    return { still: `${files} stay while ModelServers may use them${users}.` };
  }
  if (attempt.state === 'running') {
    return { still: `${files} are being removed.`, recheckAfter: attempt.recheckAfter };
  }
  if (attempt.state === 'succeeded') {
    const { replaced: _, ...rest } = storage;
    const left = replaced.filter((digest) => except.includes(digest));
    return { status: { storage: { ...rest, ...(left.length > 0 && { replaced: left }) } } };
  }
  const { message, secondsToNext, number } = attempt;
  const still = `${files} could not be removed yet: ${message}`;
  if (secondsToNext > 0 && !isAnsweredNow(model, status)) return { still, recheckAfter: secondsToNext };
  return { still, apply: start(number + 1), remove: [childRef(jobs, attempt.job)] };
}
