import type { ModelServerStatus } from '../../api/modelserver.ts';
import { reasons, type ReasonText } from '../../api/reasons.ts';
import type { Condition } from '../../api/kubernetes.ts';
import { deployments, services, type Pod } from '../../kube/builtin.ts';
import { carriesHashOf } from '../../kube/apply.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Live } from '../../kube/kind.ts';
import { RuntimeFailure, type LoadState } from '../../protocols/runtime.ts';
import { appliedAnnotation } from '../labels.ts';
import { isReady, newestFirst, terminationMessage, troubleOf } from '../pods.ts';
import { child, type FurtherCondition, type Outcome } from '../step.ts';
import { condense, shortRevision } from '../text.ts';
import { entryFile } from './settings.ts';
import type { ServerView } from './view.ts';
import { serverDeployment } from './workload/deployment.ts';
import { selectorLabels } from './workload/identity.ts';
import { endpoint, serverService } from './workload/service.ts';

/** A server uses what its Model has published and nothing else. */
export function resolveModel({ server, model }: ServerView): Outcome<ModelServerStatus> {
  const { name } = server.spec.modelRef;
  if (!model) {
    const message = `There is no Model "${name}" in namespace "${server.metadata.namespace}". Create it, or correct spec.modelRef.name.`;
    return { at: 'blocked', reason: 'ModelNotFound', message };
  }
  if (model.metadata.deletionTimestamp !== undefined && server.status?.model?.name !== name) {
    const message = `Model "${name}" is being deleted, and no server may begin to use it. Name another in spec.modelRef.name, or apply it again when it is gone.`;
    return { at: 'blocked', reason: 'ModelTerminating', message };
  }
  const { artifact, conditions } = model.status ?? {};
  if (!artifact) {
    return {
      at: 'waiting',
      reason: 'ModelNotReady',
      message: condense(`Model "${name}": ${stateOf(conditions)}`),
    };
  }
  if (!entryFile(artifact)) {
    const files = artifact.files.map(({ path }) => path).join(', ');
    const holds = condense(`Model "${name}" holds no GGUF model, only ${files}`);
    return { at: 'blocked', reason: 'NotServable', message: `${holds}. ${reasons.NotServable.action}` };
  }
  const { revision, digest, claimName } = artifact;
  return {
    at: 'done',
    message: `Model "${name}" has published revision ${shortRevision(revision)}.`,
    status: { model: { name, revision, digest, claimName } },
  };
}

/**
 * Where a Model stands that has published nothing. Its own words only where they are for a person to act on: those of a
 * pull change every two seconds, and each change would be a write to every server that waits.
 */
function stateOf(conditions: Condition[] | undefined): string {
  const ready = findCondition(conditions, 'Ready');
  if (!ready) return 'it has not been looked at yet';
  const { meaning }: Partial<ReasonText> = (reasons as Record<string, ReasonText>)[ready.reason] ?? {};
  const isStalled = findCondition(conditions, 'Stalled')?.status === 'True';
  return `${ready.reason}: ${isStalled ? ready.message : (meaning ?? ready.message)}`;
}

/** Has the weights loaded by a Deployment behind a Service, and says how far the load is. */
export function runWorkload(view: ServerView): Outcome<ModelServerStatus> {
  const { server, model, deployment, image } = view;
  const artifact = model?.status?.artifact;
  if (!artifact) throw new Error('a workload comes after the Model has published something');
  const { replicas } = server.spec;
  const live = deployment?.status;
  const wanted = serverDeployment(server, artifact, image);
  // While the Deployment in the cache is the one before, its pods say nothing of what is wanted now.
  const seen =
    deployment !== undefined &&
    carriesHashOf(wanted, deployment, appliedAnnotation) &&
    live?.observedGeneration !== undefined &&
    live.observedGeneration >= (deployment.metadata.generation ?? 0);
  const ready = Math.min(live?.readyReplicas ?? 0, replicas);
  const updated = Math.min(live?.updatedReplicas ?? 0, live?.readyReplicas ?? 0);
  const load = loadOf(view);
  const effects = {
    apply: [
      // First, since its name is the address that is promised: nothing is loaded behind a name that is taken.
      child(services, serverService(server)),
      child(deployments, wanted),
    ],
    status: {
      replicas: live?.replicas ?? 0,
      readyReplicas: live?.readyReplicas ?? 0,
      ready: `${ready}/${replicas}`,
      selector: Object.entries(selectorLabels(server.metadata.name))
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      // Not before it leads here: a Service of this name may be somebody else's.
      endpoint: view.service && endpoint(server),
      load,
    },
    conditions: chatConditions(view),
  };
  const complete =
    seen &&
    updated >= replicas &&
    ready >= replicas &&
    (live?.unavailableReplicas ?? 0) === 0 &&
    live?.replicas === replicas;
  if (complete || (seen && replicas === 0 && (live?.replicas ?? 0) === 0)) {
    const message =
      replicas === 0 ? 'Scaled to zero.' : `${ready} of ${replicas} answer at ${endpoint(server)}.`;
    return { at: 'done', message, ...effects };
  }

  const failure = loadFailureOf(view);
  if (failure) return { at: 'blocked', ...failure, ...effects };
  const trouble = view.pods.map(troubleOf).find((each) => each !== undefined);
  if (trouble) return { at: 'waiting', reason: trouble.reason, message: trouble.message, ...effects };
  const loading = view.pods.some(({ status }) => status?.phase === 'Running');
  const message = loading
    ? `${ready} of ${replicas} ready; the weights are ${load?.text ?? '0%'} loaded.`
    : `${ready} of ${replicas} ready; pods are starting.`;
  return { at: 'waiting', reason: loading ? 'Loading' : 'Starting', message, ...effects };
}

/** The load of the slowest pod; 100% when every pod is ready, absent when none that is not says anything. */
function loadOf({ pods, loads, server }: ServerView): ModelServerStatus['load'] {
  if (server.spec.replicas === 0 || pods.length === 0) return undefined;
  const starting = pods.filter((pod) => !isReady(pod));
  const percents = starting.flatMap((pod) => saidBy(pod, loads)?.percent ?? []);
  if (starting.length > 0 && percents.length === 0) return undefined;
  const percent = Math.min(100, ...percents);
  return { percent, text: `${percent}%` };
}

function saidBy({ metadata }: Live<Pod>, loads: ServerView['loads']): LoadState | undefined {
  const said = loads.get(metadata.name);
  return said === 'silent' ? undefined : said;
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
function loadFailureOf({ pods }: ServerView): RuntimeFailure['failure'] | undefined {
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
  const message = `Pod ${killed.metadata.name} was killed for its memory while it loaded: raise spec.pod.resources.limits.memory, or lower spec.runtime.contextSize and parallel.`;
  return { reason: 'InsufficientMemory', message };
}
