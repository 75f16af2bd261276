import type { Model } from '../../../api/model.ts';
import type { Reason } from '../../../api/reasons.ts';
import type { Job, PersistentVolumeClaim, Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import type { Collection } from '../../../protocols/puller.ts';
import { labels } from '../../labels.ts';
import { isAtWork } from '../../pods.ts';
import { newestAttempt } from '../jobs/attempts.ts';
import { namedClaim } from '../storage/claim.ts';

/** What decides on the files that Models of one name have on claims that are not theirs, read once. */
export interface LeftoverView {
  /** The one of that name that there is now. */
  model: Live<Model> | undefined;
  /** Notes of all that ever had that name, and the Jobs that have taken their places (note.ts). */
  jobs: Live<Job>[];
  /** All pods of Models of that name. */
  pods: Live<Pod>[];
  /** The claims that the notes are about, as far as they are there. */
  claims: Live<PersistentVolumeClaim>[];
  /** ModelServers that may read anything of a claim (storage/claim-users.ts). */
  usersOf: (claim: Live<PersistentVolumeClaim>) => string[];
  /** Whether every Model on the claim has published what it asks for. */
  isQuiet: (claim: Live<PersistentVolumeClaim>) => boolean;
  /** The image of the puller. */
  image: string;
  now: Date;
}

/** What is to be done about what one Model has on one claim. */
export type Verdict =
  /** Nothing now; a change of what was looked at brings it up again, at the latest after `recheckAfter` seconds. */
  | { at: 'kept'; recheckAfter?: number | undefined }
  /** Files of a Model that is gone, with servers that use them. */
  | { at: 'used'; claim: Live<PersistentVolumeClaim>; servers: string[] }
  /** To run, by this attempt, once it is certain that the Model is gone or has moved. */
  | {
      at: 'due';
      modelUid: string;
      claim: Live<PersistentVolumeClaim>;
      attempt: number;
      before: Live<Job>;
      graceSeconds: number;
      /** How the attempt before ended. */
      failure?: { reason: Reason; message: string };
    }
  | { at: 'collected'; claim: Live<PersistentVolumeClaim>; collection: Collection; jobs: Live<Job>[] }
  /** The claim is gone, and the files with it. */
  | { at: 'gone'; jobs: Live<Job>[] };

/**
 * While a Model on the claim has yet to publish, what a pull of it has brought before it was interrupted is no record's,
 * and is not to be fetched again.
 */
export const graceWhilePulling = 3600;

/** One verdict for each Model and claim that there are notes of. */
export function judgeLeftovers(view: LeftoverView): Verdict[] {
  const requests = Map.groupBy(view.jobs, ({ metadata }) => metadata.labels?.[labels.request] ?? '');
  return [...requests].map(([request, jobs]) => judge(view, request, jobs));
}

function judge(view: LeftoverView, request: string, jobs: Live<Job>[]): Verdict {
  const { model, now } = view;
  const [before] = jobs.toSorted((a, b) => attemptOf(b) - attemptOf(a));
  const { [labels.modelUid]: modelUid = '', [labels.claimUid]: claimUid } = before?.metadata.labels ?? {};
  const claim = view.claims.find(({ metadata }) => metadata.uid === claimUid);
  if (!before || !claim) return { at: 'gone', jobs };

  const runs = jobs.filter((job) => attemptOf(job) > 0);
  const attempt = newestAttempt({ model: undefined, jobs: runs, pods: view.pods, now }, 'collect', request);
  if (attempt.state === 'running') return { at: 'kept', recheckAfter: attempt.recheckAfter };
  if (attempt.state === 'succeeded') {
    if (!('collection' in attempt.report)) throw new Error(`Job ${before.metadata.name} did not collect`);
    return { at: 'collected', claim, collection: attempt.report.collection, jobs };
  }
  if (model && isNeeded(model, modelUid, claim)) return { at: 'kept' };
  if (isPulling(view, modelUid)) return { at: 'kept' };
  const servers = view.usersOf(claim);
  if (servers.length > 0) return { at: 'used', claim, servers };
  const graceSeconds = view.isQuiet(claim) ? 0 : graceWhilePulling;
  const due = { at: 'due' as const, modelUid, claim, before, graceSeconds };
  if (attempt.state === 'none') return { ...due, attempt: 1 };
  const { reason, message, secondsToNext, number } = attempt;
  if (secondsToNext > 0) return { at: 'kept', recheckAfter: secondsToNext };
  return { ...due, attempt: number + 1, failure: { reason, message } };
}

function attemptOf({ metadata }: Live<Job>): number {
  return Number(metadata.labels?.[labels.attempt] ?? 0);
}

/**
 * Of the Model itself: while it uses the claim, or has not published elsewhere. Of one before it: while this one is yet
 * to find on the claim what the other has left, which would be fetched again otherwise.
 */
function isNeeded(
  { metadata, spec, status }: Live<Model>,
  modelUid: string,
  claim: Live<PersistentVolumeClaim>,
): boolean {
  const named = namedClaim(spec);
  const isNamed = named?.name === claim.metadata.name;
  const isPublished = status?.artifact?.claimUid === claim.metadata.uid;
  if (modelUid === metadata.uid) return isNamed || isPublished || status?.artifact === undefined;
  return isNamed && named.isStore && !isPublished;
}

/** Whether a pod may still write for the Model: of its own those that it has now, of one that is gone all others. */
function isPulling({ model, pods }: LeftoverView, modelUid: string): boolean {
  return pods.some((pod) => {
    if (!isAtWork(pod, 'pull')) return false;
    if (!model || modelUid === model.metadata.uid) return true;
    return pod.metadata.labels?.[labels.modelUid] !== model.metadata.uid;
  });
}
