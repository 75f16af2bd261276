import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { RuntimeFailure } from '../../protocols/runtime.ts';
import { isReady, newestFirst, startTrouble, terminationMessage } from '../pods.ts';
import type { FurtherCondition, Outcome } from '../step.ts';
import { condense } from '../text.ts';
import { newestPods, saidBy } from './replicas.ts';
import type { ServerView } from './view.ts';

/** Whether the pods have the weights in memory, and what keeps them from it. */
export function loadWeights(
  view: ServerView,
  { load }: Pick<ModelServerStatus, 'load'>,
): Outcome<ModelServerStatus> {
  const { replicas } = view.server.spec;
  const conditions = chatConditions(view);
  if (replicas === 0) return { at: 'done', message: 'Nothing is to be loaded.', conditions };
  const pods = newestPods(view);
  const loading = pods.filter((pod) => !isReady(pod));
  const failure = loadFailureOf(loading);
  if (failure) return { at: 'blocked', ...failure, conditions };
  const trouble = loading.map(startTrouble).find((each) => each !== undefined);
  if (trouble) return { at: 'waiting', ...trouble, conditions };
  const ready = pods.length - loading.length;
  const so = `${ready} of ${replicas} ready`;
  if (loading.some(({ status }) => status?.phase === 'Running')) {
    const message = `${so}; the weights are ${load?.text ?? '0%'} loaded.`;
    return { at: 'waiting', reason: 'Loading', message, conditions };
  }
  if (loading.length > 0) {
    return { at: 'waiting', reason: 'Starting', message: `${so}; pods are starting.`, conditions };
  }
  if (ready < replicas) {
    const message = `${so}; the others follow as pods of before make room.`;
    return { at: 'waiting', reason: 'RollingOut', message, conditions };
  }
  return { at: 'done', message: `The weights are loaded in ${ready} of ${replicas} pods.`, conditions };
}

/** Whether chats are rendered with the template that came with the model, once a pod says so; one problem counts. */
function chatConditions({ pods, loads }: ServerView): FurtherCondition[] {
  const chats = newestFirst(pods).flatMap((pod) => saidBy(pod, loads)?.chat ?? []);
  const chat = chats.find(({ problem }) => problem !== undefined) ?? chats[0];
  if (!chat) return [];
  const { description, problem } = chat;
  const type = 'ChatTemplateHonored';
  if (problem === undefined)
    return [{ type, status: 'True', reason: 'Succeeded', message: condense(description) }];
  const message = condense(`${description} ${problem}`);
  return [{ type, status: 'False', reason: 'TemplateNotSupported', message }];
}

/** Why a pod cannot serve, in its own words where it has left some. */
function loadFailureOf(pods: readonly Live<Pod>[]): RuntimeFailure['failure'] | undefined {
  for (const pod of pods) {
    const text = terminationMessage(pod);
    if (text === undefined) continue;
    try {
      const { failure } = RuntimeFailure.parse(JSON.parse(text));
      return { ...failure, message: `Pod ${pod.metadata.name}: ${condense(failure.message)}` };
    } catch {
      // Another end, such as a kill for memory, is told by the pod's own status.
    }
  }
  const killed = pods.find(
    ({ status }) => status?.containerStatuses?.[0]?.lastState?.terminated?.reason === 'OOMKilled',
  );
  if (!killed) return undefined;
  const message = `Pod ${killed.metadata.name} was killed for its memory: raise spec.pod.resources.limits.memory, or lower spec.runtime.contextSize and parallel.`;
  return { reason: 'InsufficientMemory', message };
}
