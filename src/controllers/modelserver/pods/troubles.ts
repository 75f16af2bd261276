import { reasons, type Reason } from '../../../api/reasons.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { RuntimeFailure } from '../../../protocols/runtime.ts';
import { findCondition } from '../../../kube/conditions.ts';
import { isPlaced, terminationMessage } from '../../pods.ts';
import { condense } from '../../text.ts';
import { summary } from './summary.ts';

/** What keeps a pod that has a node from answering. */
export interface PodTrouble {
  at: 'waiting' | 'blocked';
  /** Of the runtime's own words, or by what the kubelet says. */
  reason:
    | RuntimeFailure['failure']['reason']
    | Extract<
        Reason,
        'Crashed' | 'ImagePullFailed' | 'MountFailed' | 'NodeLost' | 'PodCannotStart' | 'VolumeNotShared'
      >;
  message: string;
}

/** The same of one pod, before it is summed up. */
interface OwnTrouble extends PodTrouble {
  /** What to do. */
  remedy: string;
}

/** What is known of the pods beside their status. */
export interface PodFacts {
  /** By uid of pods that do not start, what the kubelet says of their volumes. */
  mountFailures: ReadonlyMap<string, string>;
  /** The memory limit of the server, as its spec has it. */
  memoryLimit: string | undefined;
}

/**
 * The trouble of the most weight among these pods, none of which is ready, and how many have the same. What a person is
 * needed for goes before what may pass.
 */
export function troubleAmong(pods: readonly Live<Pod>[], facts: PodFacts): PodTrouble | undefined {
  const troubles = pods.flatMap((pod) => troubleOf(pod, facts) ?? []);
  const worst = troubles.find(({ at }) => at === 'blocked') ?? troubles[0];
  if (!worst) return undefined;
  const { at, reason, message, remedy } = worst;
  const others = troubles.filter((each) => each.reason === reason).length - 1;
  return { at, reason, message: summary(message, others, remedy) };
}

function troubleOf(pod: Live<Pod>, facts: PodFacts): OwnTrouble | undefined {
  return endOf(pod, facts) ?? lossOf(pod) ?? startOf(pod) ?? mountOf(pod, facts);
}

/** How the runtime ended, be it this run or the one before: until the pod is ready, it may do so again. */
function endOf(pod: Live<Pod>, { memoryLimit }: PodFacts): OwnTrouble | undefined {
  const { name } = pod.metadata;
  const failure = lastWords(pod);
  if (failure) {
    const message = `Pod ${name}: ${condense(failure.message)}`;
    return { at: 'blocked', ...failure, message, remedy: reasons[failure.reason].action };
  }
  const [container] = pod.status?.containerStatuses ?? [];
  const end = container?.state?.terminated ?? container?.lastState?.terminated;
  if (!container || !end) return undefined;
  if (end.reason === 'OOMKilled') {
    const limit = memoryLimit === undefined ? 'its node ran out of it' : `its limit is ${memoryLimit}`;
    const message = `Pod ${name} was killed for its memory (OOMKilled; ${limit})`;
    const reason = 'InsufficientMemory';
    return { at: 'blocked', reason, message, remedy: reasons[reason].action };
  }
  const times = container.restartCount === 1 ? 'once' : `${container.restartCount} times`;
  const again = container.restartCount > 0 ? `, and was started again ${times}` : '';
  const why = end.reason === undefined || end.reason === 'Error' ? '' : ` (${end.reason})`;
  const message = `Pod ${name}: the runtime ended with exit code ${end.exitCode}${why} and no word of why${again}`;
  const remedy = `Read its log with kubectl logs ${name} --previous.`;
  return { at: 'waiting', reason: 'Crashed', message, remedy };
}

/** Whether its container has ended, now or before it was started again. */
export function hasFailed({ status }: Live<Pod>): boolean {
  const { state, lastState } = status?.containerStatuses?.[0] ?? {};
  return (state?.terminated ?? lastState?.terminated) !== undefined;
}

/** The words that a runtime leaves that cannot serve. */
function lastWords(pod: Live<Pod>): RuntimeFailure['failure'] | undefined {
  const text = terminationMessage(pod);
  if (text === undefined) return undefined;
  try {
    return RuntimeFailure.parse(JSON.parse(text)).failure;
  } catch {
    return undefined;
  }
}

/** The controller of nodes takes the readiness of a pod back whose kubelet is silent, and leaves that of its containers. */
function lossOf({ metadata: { name }, spec, status }: Live<Pod>): OwnTrouble | undefined {
  const containers = status?.containerStatuses ?? [];
  const isSilenced = findCondition(status?.conditions, 'Ready')?.status === 'False';
  const runs = status?.phase === 'Running' && containers.length > 0 && containers.every(({ ready }) => ready);
  if (!runs || !isSilenced) return undefined;
  const node = spec?.nodeName ?? 'of the pod';
  const message = `Node ${node} does not answer, and pod ${name} runs there`;
  const remedy = `Another pod takes its place when the node stays away for five minutes; if it is gone for good, delete it (kubectl delete node ${node}).`;
  return { at: 'waiting', reason: 'NodeLost', message, remedy };
}

const imageReasons = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);
const startReasons = new Set(['CreateContainerConfigError', 'CreateContainerError', 'RunContainerError']);

function startOf({ metadata: { name }, status }: Live<Pod>): OwnTrouble | undefined {
  const { reason: said = '', message: words = '' } = status?.containerStatuses?.[0]?.state?.waiting ?? {};
  const isOfImage = imageReasons.has(said);
  if (!isOfImage && !startReasons.has(said)) return undefined;
  const reason = isOfImage ? 'ImagePullFailed' : 'PodCannotStart';
  const message = `Pod ${name}: ${said}: ${condense(words)}`;
  return { at: 'waiting', reason, message, remedy: reasons[reason].action };
}

function mountOf(
  { metadata: { name, uid } }: Live<Pod>,
  { mountFailures }: PodFacts,
): OwnTrouble | undefined {
  const words = mountFailures.get(uid);
  if (words === undefined) return undefined;
  // Of an attach controller whose volume is on another node: it stays so until the pod there is gone.
  const reason = words.includes('Multi-Attach error') ? 'VolumeNotShared' : 'MountFailed';
  return { at: 'waiting', reason, message: `Pod ${name}: ${words}`, remedy: reasons[reason].action };
}

/** Whether a kubelet has the pod and has not begun with its containers: it waits for its volumes, or is about to. */
export function waitsForVolumes(pod: Live<Pod>): boolean {
  const { phase, containerStatuses = [] } = pod.status ?? {};
  const begun = containerStatuses.some(
    ({ state }) => state?.waiting?.reason !== 'ContainerCreating' && state !== undefined,
  );
  return phase === 'Pending' && isPlaced(pod) && !begun;
}
