import type { ModelStatus } from '../../api/model-status.ts';
import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { keptRevisions } from '../../api/rollout.ts';
import { partsNamed } from '../../api/runtime-options.ts';
import { jobs } from '../../kube/builtin.ts';
import { hasFinalizer } from '../../kube/finalizers.ts';
import type { Live } from '../../kube/kind.ts';
import { listed } from '../../sources/names.ts';
import { forceDeleteAnnotation, inUseFinalizer } from '../labels.ts';
import { childRef, type Outcome, type Step } from '../step.ts';
import { hasEnded } from './jobs/attempts.ts';
import { countServers } from './servers.ts';
import { leaveQueue } from './pull/turn.ts';
import type { ModelView } from './view.ts';
import { followReclaimPolicy } from './storage/reclaim-policy.ts';

/**
 * What becomes of a Model that is deleted. It goes at once, and what it owns with it, unless ModelServers use it: then a
 * finalizer keeps it, and with it its claim, until the last of them is gone or has turned to another Model
 * (docs/adr/0023). The finalizer is put on before a server's Deployment is made (modelserver/hold.ts), and taken off here.
 */

/** Names of Models that a server uses: those that it names, and those that its pods mount still, or may again. */
export function modelsUsedBy({ spec, status }: ModelServer): string[] {
  const used = [spec.modelRef, ...partsNamed(spec.runtime), ...keptRevisions(status)];
  return [...new Set(used.map(({ name }) => name))];
}

/** Names of the ModelServers that use a Model. One that is being deleted is on its way out, and counts no more. */
export function usersOf(
  { metadata: { name } }: Live<Model>,
  servers: readonly Live<ModelServer>[],
): string[] {
  return servers
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .filter((server) => modelsUsedBy(server).includes(name))
    .map(({ metadata }) => metadata.name)
    .toSorted();
}

/** Whether somebody said that the Model is not to be waited for when it is deleted. */
export function isForced({ metadata }: Live<Model>): boolean {
  return metadata.annotations?.[forceDeleteAnnotation] === 'true';
}

/** Whether the Model carries a finalizer that is of no use any more. */
export function isHeldForNobody(model: Live<Model>, servers: readonly Live<ModelServer>[]): boolean {
  return hasFinalizer(model, inUseFinalizer) && (isForced(model) || usersOf(model, servers).length === 0);
}

/** Tells who keeps a deleted Model. Nothing new is begun for it, and what was begun ends. */
export function waitForServers({ model, servers, jobs: all }: ModelView): Outcome<ModelStatus> {
  const running = all.filter((job) => !hasEnded(job));
  const users = listed(usersOf(model, servers));
  return {
    at: 'blocked',
    reason: 'InUse',
    message: `The Model was deleted and stays while ModelServers use it: ${users}. Delete them, or name another Model in their spec; the annotation ${forceDeleteAnnotation}: "true" has the Model go at once.`,
    remove: running.map((job) => childRef(jobs, job)),
    ...(running.length > 0 && { status: { progress: undefined } }),
  };
}

/** What there is to do for a Model that was deleted and is kept. */
export const stepsWhileKept: readonly Step<ModelView, ModelStatus>[] = [
  { run: countServers },
  { run: leaveQueue },
  { run: followReclaimPolicy }, // it may be told yet to leave its claim
  { run: waitForServers },
];
