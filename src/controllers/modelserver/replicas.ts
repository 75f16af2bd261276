import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { isReady, newestFirst } from '../pods.ts';
import type { Outcome } from '../step.ts';
import type { ServerView } from './view.ts';
import { selectorLabels } from './workload/identity.ts';
import { endpoint } from './workload/service.ts';

/** For people and autoscalers, wherever the rest stands: how many there are, how far they are, and where they answer. */
export function countReplicas(view: ServerView): Outcome<ModelServerStatus> {
  const { server, deployment, service } = view;
  const { replicas } = server.spec;
  return {
    at: 'done',
    message: 'The pods are counted.',
    status: {
      replicas: deployment?.status?.replicas ?? 0,
      readyReplicas: deployment?.status?.readyReplicas ?? 0,
      ready: `${answering(view)}/${replicas}`,
      selector: Object.entries(selectorLabels(server.metadata.name))
        .map(([key, value]) => `${key}=${value}`)
        .join(','),
      // Not before it leads here: a Service of this name may be somebody else's.
      endpoint: service && endpoint(server),
      load: loadOf(view),
    },
  };
}

/** Pods that answer, of those that are wanted. */
export function answering({ server, deployment }: ServerView): number {
  return Math.min(deployment?.status?.readyReplicas ?? 0, server.spec.replicas);
}

/** Pods of the newest kind that are to stay. Those of an older one say nothing of what the spec asks for now. */
export function newestPods({ pods }: Pick<ServerView, 'pods'>): Live<Pod>[] {
  const staying = newestFirst(pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined));
  const newest = staying[0] && replicaSetOf(staying[0]);
  return staying.filter((pod) => replicaSetOf(pod) === newest);
}

function replicaSetOf({ metadata }: Live<Pod>): string | undefined {
  return metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid;
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

/** What a pod last said of its load; nothing when it was not heard. */
export function saidBy({ metadata }: Live<Pod>, loads: ServerView['loads']): LoadState | undefined {
  const said = loads.get(metadata.name);
  return said === 'silent' ? undefined : said;
}
