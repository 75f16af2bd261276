import type { ModelServerStatus } from '../../api/modelserver.ts';
import { isReady } from '../pods.ts';
import type { Outcome } from '../step.ts';
import { chatConditions } from './chat.ts';
import { troubleAmong } from './pods/troubles.ts';
import { isReplacing, newestPods } from './replicas.ts';
import type { ServerView } from './view.ts';

/** Whether the pods have the weights in memory, and what keeps them from it. */
export function loadWeights(
  view: ServerView,
  { load }: Pick<ModelServerStatus, 'load'>,
): Outcome<ModelServerStatus> {
  const { replicas, pod: options } = view.server.spec;
  const conditions = chatConditions(view);
  if (replicas === 0) return { at: 'done', message: 'Nothing is to be loaded.', conditions };
  const pods = newestPods(view);
  const loading = pods.filter((pod) => !isReady(pod));
  const trouble = troubleAmong(loading, {
    mountFailures: view.mountFailures,
    memoryLimit: options?.resources?.limits?.['memory'],
  });
  if (trouble?.at === 'blocked') return { ...trouble, at: trouble.at, conditions };
  if (trouble) return { ...trouble, at: 'waiting', conditions };
  const ready = pods.length - loading.length;
  const so = `${ready} of ${replicas} ready`;
  if (loading.some(({ status }) => status?.phase === 'Running')) {
    const message = `${so}; the weights are ${load?.text ?? '0%'} loaded.`;
    return { at: 'waiting', reason: 'Loading', message, conditions };
  }
  if (loading.length > 0 || (ready < replicas && !isReplacing(view))) {
    const message = `${so}; pods are starting.`;
    return { at: 'waiting', reason: 'Starting', message, conditions };
  }
  if (ready < replicas) {
    const message = `${so}; the others follow as pods of before make room.`;
    return { at: 'waiting', reason: 'RollingOut', message, conditions };
  }
  return { at: 'done', message: `The weights are loaded in ${ready} of ${replicas} pods.`, conditions };
}
