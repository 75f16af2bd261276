import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Pod } from '../../kube/builtin.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Key, Live } from '../../kube/kind.ts';
import { LoadState, runtimePort } from '../../protocols/runtime.ts';
import { PodPoller, type Question } from '../pod-poller.ts';
import { isReady } from '../pods.ts';

/** A pod that is ready and does not answer is given up after so many questions: there is nothing left that it needs. */
const patience = 5;

export const loadQuestion: Question<LoadState> = {
  port: runtimePort,
  path: '/load',
  schema: LoadState,
  isEnough: (pod, { answer, failures }) =>
    isReady(pod) && (answer?.phase === 'ready' || failures >= patience),
};

/** Asks the pods of servers how far they are, until they are ready and have said how they chat. */
export function loadPoller(onChange: (server: Key) => void): PodPoller<LoadState> {
  return new PodPoller({ question: loadQuestion, onChange });
}

/**
 * Pods that may have news. Those that are ready have none when the status has what pods of this spec and these weights
 * say: an operator that was started again would have thousands to ask for nothing.
 */
export function podsToAsk(
  { metadata, status }: Live<ModelServer>,
  model: Live<Model> | undefined,
  pods: readonly Live<Pod>[],
): readonly Live<Pod>[] {
  const told = (type: string) => {
    const condition = findCondition(status?.conditions, type);
    return condition?.observedGeneration === metadata.generation ? condition?.status : undefined;
  };
  const toldAll =
    told('Ready') === 'True' &&
    ['True', 'False'].includes(told('ChatTemplateHonored') ?? '') &&
    status?.model?.digest === model?.status?.artifact?.digest;
  return toldAll ? pods.filter((pod) => !isReady(pod)) : pods;
}
