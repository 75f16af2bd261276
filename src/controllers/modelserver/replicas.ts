import type { ModelServerStatus } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { labels } from '../labels.ts';
import { hasEnded, isReady, newestFirst } from '../pods.ts';
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

/**
 * Pods of what is wanted now that are to stay, the newest first. Those of before say nothing of what the spec asks for; nor
 * do those that were evicted, which are kept for people to look at. To be asked once the Deployment is the one that is wanted.
 */
export function newestPods({ pods, deployment }: Pick<ServerView, 'pods' | 'deployment'>): Live<Pod>[] {
  const wanted = deployment?.spec?.template.metadata?.labels?.[labels.template];
  const isWanted = (pod: Live<Pod>) =>
    pod.metadata.labels?.[labels.template] === wanted &&
    pod.metadata.deletionTimestamp === undefined &&
    !hasEnded(pod);
  return newestFirst(pods.filter(isWanted));
}

/** Whether there are pods of before, or such as are to stop: without, what is missing has yet to start. */
export function isReplacing({ pods, deployment, server }: ServerView): boolean {
  const newest = newestPods({ pods, deployment });
  const others = pods.filter((pod) => !hasEnded(pod) && !newest.includes(pod));
  return others.length > 0 || (deployment?.status?.replicas ?? 0) > server.spec.replicas;
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
