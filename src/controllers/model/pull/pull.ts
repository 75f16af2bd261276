import type { Artifact, ModelStatus, Progress } from '../../../api/model-status.ts';
import type { Reason } from '../../../api/reasons.ts';
import { jobs, type Job } from '../../../kube/builtin.ts';
import { findCondition, formatTime } from '../../../kube/conditions.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { child, childRef, type ChildRef, type Outcome } from '../../step.ts';
import { formatBytes, shortRevision } from '../../text.ts';
import { hasEnded, mayPassByItself, newestAttempt, type Attempt } from '../jobs/attempts.ts';
import { mountedBy } from '../storage/claim-users.ts';
import { factsPublished } from '../source/answer.ts';
import { claimOf, namedClaim } from '../storage/claim.ts';
import { contentOf } from '../source/content.ts';
import { recorded, restorable } from './history.ts';
import { pullJob } from '../jobs/jobs.ts';
import { progressOf } from './progress.ts';
import { progressEvents, pulledEvents, type Pulled } from './pull-events.ts';
import { suspended } from '../suspend.ts';
import { isAnsweredNow } from '../source/question.ts';
import { queued } from './turn.ts';
import { fingerprint, type ModelView } from '../view.ts';

/** So many digests the status holds (api/model.ts); collecting keeps those that are used, and names no other. */
const mostReplaced = 16;

/** Names the question "fill this claim with this revision". */
export function pullRequest(request: string, revision: string, claimUid: string): string {
  return fingerprint([request, revision, claimUid]);
}

/** Has the claim filled by a Job, and publishes what the Job verified. */
export function pullArtifact(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { model, image, defaults, turn } = view;
  const { resolved, artifact } = status;
  const claim = resolved && claimOf(view, resolved);
  if (!resolved || !claim) throw new Error('a pull comes after the source is resolved and the claim is made');
  const claimUid = claim.metadata.uid;
  const content = contentOf(model, resolved);
  const published = artifact?.claimUid === claimUid && artifact.content === content;
  if (published) return { at: 'done', message: publishedMessage(artifact) };
  const kept = restorable(status.history, { claimUid, content });
  if (kept) return publish(view, status, kept);

  const request = pullRequest(resolved.request, resolved.revision, claimUid);
  const attempt = newestAttempt(view, 'pull', request);
  // What the one before brought is not on the way to this revision.
  const isKnown = model.status?.resolved?.revision === resolved.revision;
  const before = isKnown ? status.progress : undefined;
  if (model.spec.suspend && attempt.state !== 'succeeded') {
    const progress = progressOf(undefined, resolved.sizeBytes, before);
    return { ...suspended(view, 'pull', whereHeld(progress)), status: { progress } };
  }

  const ending = endCollecting(view);
  if (ending) return ending;

  const plan = { request, image, defaults, revision: resolved.revision, claimName: claim.metadata.name };
  const start = (number: number) => [child(jobs, pullJob(model, { ...plan, attempt: number }))];
  switch (attempt.state) {
    case 'none': {
      const progress = progressOf(undefined, resolved.sizeBytes, before);
      const waiting = { at: 'waiting' as const, reason: 'Pulling' as const, status: { progress } };
      const remove = supersededPulls(view, request);
      // Of two pods of one Model each would take what the other writes for its own.
      const isAtWork = view.pullers.some((pod) => mountedBy(pod).includes(claim.metadata.name));
      if (isAtWork)
        return { ...waiting, message: 'The pull starts when the pod of the last one has ended.', remove };
      if (turn.at === 'later') {
        const later = queued(turn);
        return { ...later, remove, status: { ...later.status, progress } };
      }
      return { ...waiting, message: startingMessage(resolved.sizeBytes), apply: start(1), remove };
    }
    case 'running': {
      const { reason, message, progress } = whileRunning(view, attempt, status, resolved.sizeBytes);
      const at = reason === 'WriteRefused' ? 'blocked' : 'waiting';
      const { recheckAfter } = attempt;
      const events = progressEvents(status.progress, progress);
      return { at, reason, message, recheckAfter, status: { progress }, events };
    }
    case 'succeeded': {
      if (!('publication' in attempt.report)) break;
      const { publication } = attempt.report;
      const now = {
        ...publication,
        shortRevision: shortRevision(publication.revision),
        content,
        claimName: claim.metadata.name,
        claimUid,
      };
      const { transfer } = attempt.report;
      return publish(view, status, now, { seconds: secondsOf(attempt.job, view.now), transfer });
    }
    case 'failed': {
      const { reason, message, secondsToNext } = attempt;
      const at = mayPassByItself(reason) ? 'waiting' : 'blocked';
      if (secondsToNext > 0 && !isAnsweredNow(model, status))
        return { at, reason, message, recheckAfter: secondsToNext };
      // What was pinned is gone from the source, so the name is resolved anew: the answer there is goes with its Job.
      if (reason === 'RevisionNotFound') {
        const remove = view.jobs.map((job) => childRef(jobs, job));
        return { at, reason, message, recheckAfter: 1, remove, status: { resolved: undefined } };
      }
      if (turn.at === 'later') {
        // One that gets no pod holds a place while others wait.
        const remove = hasEnded(attempt.job) ? [] : [childRef(jobs, attempt.job)];
        return { ...queued(turn), remove };
      }
      return { at, reason, message, apply: start(attempt.number + 1), remove: [childRef(jobs, attempt.job)] };
    }
  }
  throw new Error(`Job ${attempt.job.metadata.name} pulls, but reported something else`);
}

/** What is verified on the claim is what servers use from now on. */
function publish(
  { model, now }: ModelView,
  status: ModelStatus,
  artifact: Artifact,
  pulled?: Pulled,
): Outcome<ModelStatus> {
  const pullSeconds = pulled?.seconds;
  const { sizeBytes } = artifact;
  const history = recorded(status.history, {
    ...artifact,
    publishedAt: formatTime(now),
    ...(status.resolved?.change && { change: status.resolved.change }),
    ...(pullSeconds !== undefined && { pullSeconds }),
  });
  const progress: Progress = {
    percent: 100,
    text: '100%',
    downloadedBytes: sizeBytes,
    totalBytes: sizeBytes,
  };
  const storage = namedClaim(model.spec)?.isStore ? withReplaced(status, artifact) : status.storage;
  return {
    at: 'done',
    message: publishedMessage(artifact),
    ...(pulled && { events: pulledEvents(artifact, pulled) }),
    status: { artifact, history, progress, storage, ...factsPublished(status) },
  };
}

/** From the Job's start to its end, or to now where that was not heard yet. */
function secondsOf({ metadata, status }: Live<Job>, now: Date): number | undefined {
  if (metadata.creationTimestamp === undefined) return undefined;
  const end = findCondition(status?.conditions, 'Complete')?.lastTransitionTime;
  const ended = end === undefined ? now.getTime() : Date.parse(end);
  return Math.max(0, Math.round((ended - Date.parse(metadata.creationTimestamp)) / 1000));
}

/** A pull of the Model is no company for a Job that takes off the claim what the Model no longer has. */
function endCollecting({ jobs: all, notes, collectors }: ModelView): Outcome<ModelStatus> | undefined {
  const running = [...all, ...notes].filter(
    (job) =>
      job.metadata.labels?.[labels.task] === 'collect' &&
      job.metadata.labels[labels.attempt] !== '0' &&
      !hasEnded(job),
  );
  if (running.length === 0 && collectors.length === 0) return undefined;
  return {
    at: 'waiting',
    reason: 'Pulling',
    message: 'The pull starts when the Job that removes files of the Model from the claim has ended.',
    remove: running.map((job) => childRef(jobs, job)),
  };
}

/** On a claim that others share, what was published before is still there. */
function withReplaced(
  { artifact: before, storage }: ModelStatus,
  { digest, claimUid }: Artifact,
): ModelStatus['storage'] {
  if (!storage || before?.claimUid !== claimUid || before.digest === digest) return storage;
  const earlier = [...(storage.replaced ?? []), before.digest].filter((each) => each !== digest);
  return { ...storage, replaced: [...new Set(earlier)].slice(-mostReplaced) };
}

/** Pulls that go on for what the spec asked before: they would only take bandwidth from this one. */
function supersededPulls({ jobs: all }: ModelView, request: string): ChildRef[] {
  return all
    .filter(
      (job) =>
        job.metadata.labels?.[labels.task] === 'pull' &&
        job.metadata.labels[labels.request] !== request &&
        !hasEnded(job),
    )
    .map((job) => childRef(jobs, job));
}

/** What is to be said of a pull that goes on. */
function whileRunning(
  view: ModelView,
  { pod, trouble, failure }: Extract<Attempt, { state: 'running' }>,
  { progress: before, conditions }: ModelStatus,
  totalBytes: number,
): { reason: Reason; message: string; progress: Progress } {
  const stands = progressOf(undefined, totalBytes, before);
  if (trouble?.reason === 'NodeLost') return { ...trouble, progress: stands };
  const said = pod && view.progress.get(pod.metadata.name);
  if (said && said !== 'silent') {
    const progress = progressOf(said, totalBytes, before);
    const reason = said.phase === 'verifying' ? 'Verifying' : 'Pulling';
    const message = said.phase === 'waiting' ? waitingMessage(progress) : pullingMessage(progress);
    return { reason, message, progress };
  }
  if (!said && failure?.reason === 'Evicted') return { ...failure, progress: stands };
  const told = findCondition(conditions, 'Pulled');
  // Another Job is no reason to take back that the last one got no pod.
  if (!pod && (told?.reason === 'QuotaExceeded' || told?.reason === 'WriteRefused')) {
    return { reason: told.reason, message: told.message, progress: stands };
  }
  // A puller that has verified everything ends, and says nothing until its report is here.
  const reason = told?.reason === 'Verifying' ? 'Verifying' : 'Pulling';
  // Until the first word of a pod that runs, such as after a restart of the operator, what was said stands.
  const isOnItsWay = pod?.status?.phase === 'Running' || pod?.status?.phase === 'Succeeded';
  if (!said && isOnItsWay && told?.reason === reason && before?.totalBytes === totalBytes) {
    return { reason, message: told.message, progress: before };
  }
  const again = failure && `Trying again after ${failure.reason}: ${failure.message}`;
  const message = trouble?.message ?? again ?? (said ? unseenMessage : startingMessage(totalBytes));
  return { reason, message, progress: stands };
}

function publishedMessage({ digest, sizeBytes }: { digest: string; sizeBytes: number }): string {
  return `${formatBytes(sizeBytes)} verified and published as ${digest.slice(0, 19)}.`;
}

function whereHeld({ downloadedBytes, totalBytes }: Progress): string {
  if (downloadedBytes === 0) return `Nothing of ${formatBytes(totalBytes)} is pulled.`;
  return `${formatBytes(downloadedBytes)} of ${formatBytes(totalBytes)} are on the volume, and stay.`;
}

const unseenMessage =
  'The puller is starting, or its progress cannot be seen from the operator; the pull goes on either way.';

function startingMessage(totalBytes: number): string {
  return `The pull of ${formatBytes(totalBytes)} is starting.`;
}

function waitingMessage({ downloadedBytes, totalBytes }: Progress): string {
  return `${formatBytes(downloadedBytes)} of ${formatBytes(totalBytes)}. Waiting for the pull of another Model, which brings the rest onto the same volume.`;
}

function pullingMessage({ downloadedBytes, totalBytes, rate, eta }: Progress): string {
  if (downloadedBytes === 0 && rate === undefined) return startingMessage(totalBytes);
  const speed = rate === undefined ? '' : ` at ${rate}`;
  const left = eta === undefined ? '' : `, ${eta} left`;
  return `${formatBytes(downloadedBytes)} of ${formatBytes(totalBytes)}${speed}${left}.`;
}
