import type { Key } from '../../kube/kind.ts';
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
