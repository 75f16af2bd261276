import type { ModelServerStatus } from '../../../api/modelserver.ts';
import { findCondition } from '../../../kube/conditions.ts';
import { isReady } from '../../pods.ts';
import { condense, formatDuration } from '../../text.ts';
import type { ServerView } from '../view.ts';
import { isObserved, podsOf } from './progress.ts';
import type { RolloutRecord } from './record.ts';

/** A pod that has ended so often without having been ready will not be. */
const mostEnds = 3;

/** Why what is being rolled out will not come to serve; undefined while it may. */
export function failureOf(view: ServerView, record: RolloutRecord): string | undefined {
  const { deployment, server } = view;
  if (!deployment || server.spec.replicas === 0 || !isObserved(deployment)) return undefined;
  const ended = podsOf(view, record).find(
    (pod) => !isReady(pod) && (pod.status?.containerStatuses?.[0]?.restartCount ?? 0) >= mostEnds,
  );
  if (ended) {
    const usual = `Pod ${ended.metadata.name} ended again and again before it was ready; its log says why.`;
    return inTheWay(server.status) ?? usual;
  }
  const progressing = findCondition(deployment.status?.conditions, 'Progressing');
  if (progressing?.reason !== 'ProgressDeadlineExceeded') return undefined;
  const deadline = formatDuration(deployment.spec?.progressDeadlineSeconds ?? 0);
  const told = inTheWay(server.status);
  return condense(`The rollout stood still for ${deadline}.${told === undefined ? '' : ` ${told}`}`);
}

/** What was told last of what keeps the pods from being ready. */
function inTheWay(status: ModelServerStatus | undefined): string | undefined {
  const told = ['Scheduled', 'Loaded'].map((type) => findCondition(status?.conditions, type));
  const trouble = told.find((condition) => condition?.status === 'False');
  return trouble && condense(`${trouble.reason}: ${trouble.message}`);
}
