import type { ModelStatus, Progress } from '../../api/model.ts';
import type { Reason } from '../../api/reasons.ts';
import { jobs } from '../../kube/builtin.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { PullerProgress } from '../../protocols/puller.ts';
import { labels } from '../labels.ts';
import { child, childRef, type ChildRef, type Outcome } from '../step.ts';
import { formatBytes } from '../text.ts';
import { mayPassByItself, newestAttempt } from './attempts.ts';
import { claimOf } from './claim.ts';
import { pullJob } from './jobs.ts';
import { progressOf } from './progress.ts';
import { fingerprint, type ModelView } from './view.ts';

/** Seconds between two looks at a pull: the most often that progress is written. */
const progressSeconds = 2;

/** Names the question "fill this claim with this revision". */
export function pullRequest(request: string, revision: string, claimUid: string): string {
  return fingerprint([request, revision, claimUid]);
}

/** Has the claim filled by a Job, and publishes what the Job verified. */
export function pullArtifact(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { model, image } = view;
  const { resolved, artifact } = status;
  const claim = resolved && claimOf(view, resolved);
  if (!resolved || !claim) throw new Error('a pull comes after the source is resolved and the claim is made');
  const claimUid = claim.metadata.uid;
  const published = artifact?.claimUid === claimUid && artifact.revision === resolved.revision;
  if (published) return { at: 'done', message: publishedMessage(artifact) };

  const request = pullRequest(resolved.request, resolved.revision, claimUid);
  const attempt = newestAttempt(view, 'pull', request);
  const plan = { request, image, revision: resolved.revision, claimName: claim.metadata.name };
  const start = (number: number) => [child(jobs, pullJob(model, { ...plan, attempt: number }))];
  switch (attempt.state) {
    case 'none': {
      const progress = progressOf(undefined, resolved.sizeBytes, undefined);
      return waiting('Pulling', `The pull of ${resolved.size} is starting.`, {
        apply: start(1),
        remove: supersededPulls(view, request),
        status: { progress },
      });
    }
    case 'running': {
      const said = attempt.pod && view.progress.get(attempt.pod.metadata.name);
      const progress = progressOf(said, resolved.sizeBytes, status.progress);
      // A puller that has verified everything ends, and says nothing until its report is here.
      const verified = !said && findCondition(status.conditions, 'Pulled')?.reason === 'Verifying';
      const reason = verified || said?.phase === 'verifying' ? 'Verifying' : 'Pulling';
      const again =
        attempt.failure && `Trying again after ${attempt.failure.reason}: ${attempt.failure.message}`;
      const message =
        attempt.trouble?.message ?? (said ? undefined : again) ?? pullingMessage(said, progress);
      return waiting(reason, message, { status: { progress } });
    }
    case 'succeeded': {
      if (!('publication' in attempt.report)) break;
      const { publication } = attempt.report;
      const { sizeBytes } = publication;
      const artifact = { ...publication, claimName: claim.metadata.name, claimUid };
      const progress: Progress = {
        percent: 100,
        text: '100%',
        downloadedBytes: sizeBytes,
        totalBytes: sizeBytes,
      };
      return { at: 'done', message: publishedMessage(artifact), status: { artifact, progress } };
    }
    case 'failed': {
      const { reason, message, secondsToNext } = attempt;
      const at = mayPassByItself(reason) ? 'waiting' : 'blocked';
      if (secondsToNext > 0) return { at, reason, message, recheckAfter: secondsToNext };
      // What was pinned is gone from the source, so the name is resolved anew: the answer there is goes with its Job.
      if (reason === 'RevisionNotFound') {
        const remove = view.jobs.map((job) => childRef(jobs, job));
        return { at, reason, message, recheckAfter: 1, remove, status: { resolved: undefined } };
      }
      return { at, reason, message, apply: start(attempt.number + 1), remove: [childRef(jobs, attempt.job)] };
    }
  }
  throw new Error(`Job ${attempt.job.metadata.name} pulls, but reported something else`);
}

/** Pulls that go on for what the spec asked before: they would only take bandwidth from this one. */
function supersededPulls({ jobs: all }: ModelView, request: string): ChildRef[] {
  return all
    .filter(
      ({ metadata, status }) =>
        metadata.labels?.[labels.task] === 'pull' &&
        metadata.labels[labels.request] !== request &&
        !status?.conditions?.some(
          ({ type, status }) => /^(Complete|Failed)$/.test(type) && status === 'True',
        ),
    )
    .map((job) => childRef(jobs, job));
}

function waiting(
  reason: Reason,
  message: string,
  effects: Pick<Outcome<ModelStatus>, 'apply' | 'remove' | 'status'>,
): Outcome<ModelStatus> {
  return { at: 'waiting', reason, message, recheckAfter: progressSeconds, ...effects };
}

function publishedMessage({ digest, sizeBytes }: { digest: string; sizeBytes: number }): string {
  return `${formatBytes(sizeBytes)} verified and published as ${digest.slice(0, 19)}.`;
}

function pullingMessage(
  said: PullerProgress | undefined,
  { downloadedBytes, totalBytes, rate, eta }: Progress,
): string {
  if (!said)
    return 'The puller is starting, or its progress cannot be seen from the operator; the pull goes on either way.';
  const speed = rate === undefined ? '' : ` at ${rate}`;
  const left = eta === undefined ? '' : `, ${eta} left`;
  return `${formatBytes(downloadedBytes)} of ${formatBytes(totalBytes)}${speed}${left}.`;
}
