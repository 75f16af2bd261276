import { parseDuration } from '../../../api/duration.ts';
import type { ModelStatus } from '../../../api/model-status.ts';
import type { Reason } from '../../../api/reasons.ts';
import { findCondition, formatTime } from '../../../kube/conditions.ts';
import { jobs } from '../../../kube/builtin.ts';
import { child, childRef, type FurtherCondition, type Outcome } from '../../step.ts';
import { shortRevision } from '../../text.ts';
import { newestAttempt } from '../jobs/attempts.ts';
import { answered, resolvedMessage } from './answer.ts';
import { contentOf } from './content.ts';
import { inspectJob } from '../jobs/jobs.ts';
import { handled, isAskedFor, questionOf, secondsToNextCheck } from './question.ts';
import { runningJobs } from '../suspend.ts';
import type { ModelView, Resolved } from '../view.ts';

/** How long a failed check that nobody waits for may be left alone, where there is no interval. */
const longestPauseSeconds = 3600;

/**
 * Asks the source again of which the revision is known, when the interval is over or somebody asks by annotation. What is
 * published stays Ready meanwhile and when that fails, which the condition Resolved tells.
 */
export function askAgain(view: ModelView, status: ModelStatus, resolved: Resolved): Outcome<ModelStatus> {
  const { model, image, defaults, now } = view;
  const known = { at: 'done' as const, message: resolvedMessage(resolved) };
  if (model.spec.suspend) {
    return { ...known, ...whatFails(view, status), remove: runningJobs(view, 'inspect') };
  }
  const seconds = secondsToAsk(view, status, resolved);
  if (seconds !== 0) return { ...known, recheckAfter: seconds };

  const request = questionOf(model, resolved);
  const { policy, interval } = model.spec.update;
  const mostSeconds = policy === 'OnChange' ? parseDuration(interval) : longestPauseSeconds;
  const attempt = newestAttempt(view, 'inspect', request, mostSeconds);
  const plan = { request, image, defaults, knownRevision: resolved.revision };
  const start = (number: number) => [child(jobs, inspectJob(model, { ...plan, attempt: number }))];
  switch (attempt.state) {
    case 'none':
      return { ...known, ...whatFails(view, status), apply: start(1) };
    case 'running':
      return { ...known, ...whatFails(view, status), recheckAfter: attempt.recheckAfter };
    case 'succeeded': {
      const { report } = attempt;
      if ('unchanged' in report && report.unchanged.revision === resolved.revision) {
        const next = { ...resolved, checkedAt: formatTime(now) };
        return {
          ...known,
          status: { resolved: next, ...handled(model) },
          recheckAfter: secondsToNextCheck(model, next, now),
        };
      }
      if (!('inspection' in report)) break;
      const hasMoved = report.inspection.revision !== resolved.revision;
      const change = isAskedFor(model, status) ? 'Requested' : 'SourceMoved';
      const told = answered(view, status, report.inspection, hasMoved ? change : resolved.change);
      return {
        at: 'done',
        message: resolvedMessage(told.resolved),
        status: { ...told, ...handled(model) },
        ...(hasMoved && { events: [movedEvent(resolved, told.resolved)] }),
        recheckAfter: secondsToNextCheck(model, told.resolved, now),
      };
    }
    case 'failed': {
      const { reason, secondsToNext, number } = attempt;
      const message = `${attempt.message} Revision ${shortRevision(resolved.revision)}, which the source named${resolved.checkedAt === undefined ? '' : ` at ${resolved.checkedAt}`}, stays.`;
      const failed = {
        ...known,
        status: handled(model),
        conditions: [{ type: 'Resolved', status: 'False' as const, reason, message }],
      };
      if (secondsToNext > 0) return { ...failed, recheckAfter: secondsToNext };
      return { ...failed, apply: start(number + 1), remove: [childRef(jobs, attempt.job)] };
    }
  }
  throw new Error(`Job ${attempt.job.metadata.name} inspects, but reported something else`);
}

/**
 * Seconds until the source is to be asked, 0 for now. Not on its interval while the revision that it named last is on its
 * way: a source that moves faster than it can be pulled would never be published.
 */
function secondsToAsk(view: ModelView, status: ModelStatus, resolved: Resolved): number | undefined {
  const { model, now } = view;
  if (isAskedFor(model, status) || failureOf(view, status)) return 0;
  const isPublished = status.artifact?.content === contentOf(model, resolved);
  const isStalled = findCondition(status.conditions, 'Stalled')?.status === 'True';
  return isPublished || isStalled ? secondsToNextCheck(model, resolved, now) : undefined;
}

/** What the last check of this very spec failed with. */
function failureOf({ model }: ModelView, { conditions }: ModelStatus): FurtherCondition | undefined {
  const told = findCondition(conditions, 'Resolved');
  if (told?.status !== 'False' || told.observedGeneration !== model.metadata.generation) return undefined;
  const { type, status, message } = told;
  return { type, status, reason: told.reason as Reason, message };
}

/** A failure stays in sight while the question is asked again. */
function whatFails(view: ModelView, status: ModelStatus): { conditions?: FurtherCondition[] } {
  const failure = failureOf(view, status);
  return failure ? { conditions: [failure] } : {};
}

function movedEvent(before: Resolved, { source, revision }: Resolved) {
  const [from, to] = [before.revision, revision].map(shortRevision);
  const note = `${source} was ${from} and is ${to} by now. It is pulled beside what is published.`;
  return { type: 'Normal' as const, reason: 'RevisionChanged' satisfies Reason, note };
}
