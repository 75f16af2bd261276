import { parseDuration } from '../../../api/duration.ts';
import type { RolloutOptions } from '../../../api/rollout.ts';

/** Seconds for what does not depend on the weights: to open files, to make the context, to warm up. */
const loadBaseSeconds = 300;
/** What the slowest storage gives that weights are read from, in bytes per second. */
const slowestRead = 50_000_000;
/** Seconds for a pod to get a node and its image. */
const startSeconds = 600;
/** Seconds between the end of the last answer and that of the pod (src/runtime-image/config.ts), with room to spare. */
const endSeconds = 10;

/** Seconds that a load of so many bytes may take: five minutes, and 20 s for each GB. */
export function loadSeconds(sizeBytes: number): number {
  return loadBaseSeconds + Math.ceil(sizeBytes / slowestRead);
}

/** Seconds that a rollout of weights of so many bytes may stand still. */
export function progressSeconds(
  { progressDeadline, gracePeriod }: Pick<RolloutOptions, 'progressDeadline' | 'gracePeriod'>,
  sizeBytes: number,
): number {
  if (progressDeadline !== undefined) return parseDuration(progressDeadline);
  // A pod that is drained keeps its room until its answers are over.
  return startSeconds + parseDuration(gracePeriod) + loadSeconds(sizeBytes);
}

/** Seconds from SIGTERM until a pod is killed, whatever it is doing. */
export function terminationSeconds({ gracePeriod }: Pick<RolloutOptions, 'gracePeriod'>): number {
  return parseDuration(gracePeriod) + endSeconds;
}
