import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { FurtherCondition, Outcome } from '../step.ts';
import { answering, isReplacing } from './replicas.ts';
import type { ServerView } from './view.ts';
import { endpoint } from './workload/service.ts';

/** Whether every replica answers, each of the newest kind: then the server is Ready. */
export function awaitReplicas(view: ServerView): Outcome<ModelServerStatus> {
  const { server, deployment } = view;
  const { replicas } = server.spec;
  const conditions = [{ type: 'Available', ...availability(view) }];
  const live = deployment?.status;
  const there = live?.replicas ?? 0;
  const updated = Math.min(live?.updatedReplicas ?? 0, live?.readyReplicas ?? 0);
  const isWhole =
    updated >= replicas && answering(view) >= replicas && (live?.unavailableReplicas ?? 0) === 0;
  if (there !== replicas || !isWhole) {
    const so = `${answering(view)} of ${replicas} ready, ${there} there`;
    return isReplacing(view)
      ? {
          at: 'waiting',
          reason: 'RollingOut',
          message: `${so}; pods are being replaced or stopped.`,
          conditions,
        }
      : { at: 'waiting', reason: 'Starting', message: `${so}; pods are starting.`, conditions };
  }
  if (replicas === 0) return { at: 'done', readyAs: 'ScaledToZero', message: scaledToZero, conditions };
  return { at: 'done', message: whereAnswering(view), conditions };
}

const scaledToZero = 'Scaled to zero.';

/** Whether a token can be produced now, be it by pods that are about to be replaced. */
export function availability(view: ServerView): Omit<FurtherCondition, 'type'> {
  const { replicas } = view.server.spec;
  if (replicas === 0) return { status: 'False', reason: 'ScaledToZero', message: scaledToZero };
  if (answering(view) > 0) {
    return { status: 'True', reason: 'Succeeded', message: whereAnswering(view) };
  }
  return { status: 'False', reason: 'NoPodAnswers', message: `None of ${replicas} answers.` };
}

function whereAnswering(view: ServerView): string {
  return `${answering(view)} of ${view.server.spec.replicas} answer at ${endpoint(view.server)}.`;
}
