import type { ModelStatus } from '../../../api/model-status.ts';
import type { Model } from '../../../api/model.ts';
import type { ModelServer } from '../../../api/modelserver.ts';
import { partsNamed } from '../../../api/runtime-options.ts';
import type { Pod } from '../../../kube/builtin.ts';
import { findCondition } from '../../../kube/conditions.ts';
import type { Live } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { hasEnded } from '../../pods.ts';

/** What is looked up to tell whose files of a claim are in use. */
export interface Users {
  /** Pods of servers that mount the claim. */
  pods: readonly Live<Pod>[];
  server: (name: string) => Live<ModelServer> | undefined;
  model: (name: string) => Live<Model> | undefined;
}

/**
 * Names of ModelServers with pods that mount a claim and may read anything of it: those that have not all turned to what
 * their Model publishes, and those whose Model publishes nothing, or is gone.
 */
export function unsettledServers({ pods, server, model }: Users): string[] {
  const names = pods.flatMap((pod) => (hasEnded(pod) ? [] : (pod.metadata.labels?.[labels.server] ?? [])));
  return [...new Set(names)]
    .filter((name) => {
      const user = server(name);
      if (!user) return true;
      const { modelRef, runtime } = user.spec;
      return [modelRef, ...partsNamed(runtime)].some((used) => {
        const artifact = model(used.name)?.status?.artifact;
        return !(artifact && hasSettled(user, artifact));
      });
    })
    .toSorted();
}

/** Whether every pod of a server uses the artifact. */
function hasSettled(
  { status }: Live<ModelServer>,
  { digest, claimName }: NonNullable<ModelStatus['artifact']>,
): boolean {
  const isReady = findCondition(status?.conditions, 'Ready')?.status === 'True';
  const loaded = [status?.model, ...(status?.parts ?? [])];
  return isReady && loaded.some((one) => one?.digest === digest && one.claimName === claimName);
}

/** Claims that a pod mounts. */
export function mountedBy({ spec }: Live<Pod>): string[] {
  return (spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
}
