import type { Change, ModelStatus } from '../../../api/model-status.ts';
import type { Reason } from '../../../api/reasons.ts';
import { findCondition } from '../../../kube/conditions.ts';
import { jobs } from '../../../kube/builtin.ts';
import { child, childRef, type Outcome } from '../../step.ts';
import { answered, resolvedMessage } from './answer.ts';
import { askAgain } from './ask-again.ts';
import { mayPassByItself, newestAttempt } from '../jobs/attempts.ts';
import { inspectJob } from '../jobs/jobs.ts';
import { suspended } from '../suspend.ts';
import { handled, questionOf, secondsToNextCheck } from './question.ts';
import { sourceLine } from './source-line.ts';
import { inspectRequest, type ModelView } from '../view.ts';

/**
 * Pins what the source's name stands for: a Job in the Model's namespace asks, so that the operator holds no token and
 * sends no request to an address that somebody else chose.
 */
export function resolveSource(view: ModelView, status: ModelStatus): Outcome<ModelStatus> {
  const { model, image, defaults } = view;
  const { resolved } = status;
  if (resolved?.request === inspectRequest(model)) return askAgain(view, status, resolved);

  const request = questionOf(model, resolved);
  const source = sourceLine(model.spec.source);
  const attempt = newestAttempt(view, 'inspect', request);
  if (model.spec.suspend && attempt.state !== 'succeeded') {
    return suspended(view, 'inspect', `${source} is not asked.`);
  }
  const start = (number: number) => [
    child(jobs, inspectJob(model, { request, attempt: number, image, defaults })),
  ];
  switch (attempt.state) {
    case 'none':
      return { at: 'waiting', reason: 'Resolving', message: `Asking for ${source}.`, apply: start(1) };
    case 'running':
      return {
        ...whileRunning(view, attempt.number, source, attempt.trouble),
        recheckAfter: attempt.recheckAfter,
      };
    case 'succeeded': {
      if (!('inspection' in attempt.report)) break;
      const told = answered(view, status, attempt.report.inspection, changeOf(status));
      return {
        at: 'done',
        message: resolvedMessage(told.resolved),
        events: [{ type: 'Normal', reason: 'Resolved', note: resolvedMessage(told.resolved) }],
        status: { ...told, ...handled(model) },
        recheckAfter: secondsToNextCheck(model, told.resolved, view.now),
      };
    }
    case 'failed': {
      const { reason, message, secondsToNext } = attempt;
      const at = mayPassByItself(reason) ? 'waiting' : 'blocked';
      const failed = { at, reason, message, status: handled(model) } as const;
      if (secondsToNext > 0) return { ...failed, recheckAfter: secondsToNext };
      return { ...failed, apply: start(attempt.number + 1), remove: [childRef(jobs, attempt.job)] };
    }
  }
  throw new Error(`Job ${attempt.job.metadata.name} inspects, but reported something else`);
}

/** Why the source is asked for what was not known before. */
function changeOf({ resolved, artifact }: ModelStatus): Change {
  if (resolved) return 'SpecChanged';
  // What was pinned is gone from the source (pull/pull.ts).
  return artifact ? 'SourceMoved' : 'First';
}

/** While a question is asked again after a failure, the failure stays in sight instead of flickering. */
function whileRunning(
  { model }: ModelView,
  attempt: number,
  source: string,
  trouble: { message: string } | undefined,
): { at: 'waiting' | 'blocked'; reason: Reason; message: string } {
  const before = findCondition(model.status?.conditions, 'Resolved');
  if (attempt > 1 && before?.status === 'False' && before.observedGeneration === model.metadata.generation) {
    const reason = before.reason as Reason;
    const blocked = reason !== 'Resolving' && !mayPassByItself(reason);
    return { at: blocked ? 'blocked' : 'waiting', reason, message: before.message };
  }
  return { at: 'waiting', reason: 'Resolving', message: trouble?.message ?? `Asking for ${source}.` };
}
