import { z } from 'zod';
import { ServedParts, ServedRevision } from '../../../api/rollout.ts';
import type { Deployment } from '../../../kube/builtin.ts';
import { stableJson } from '../../../kube/covers.ts';
import type { Live } from '../../../kube/kind.ts';
import { rolloutAnnotation } from '../../labels.ts';

export type PodTemplate = NonNullable<Deployment['spec']>['template'];

/** What pods were made for. */
const Target = z.object({
  /** Fingerprint of what was asked for (asked.ts). */
  asked: z.string(),
  /** Fingerprint of the pod template that was built for that: another release may build another. */
  built: z.string(),
  image: z.string(),
  /** Whose GPUs the image is for; absent on the CPU. */
  vendor: z.string().optional(),
  model: ServedRevision,
  /** Beside it; absent: nothing. */
  parts: ServedParts.optional(),
});
export type Target = z.infer<typeof Target>;

/**
 * How far the rollouts of a server are. It stands on the Deployment, so that it changes with the pod template or not at
 * all, and outlives the operator.
 */
export const RolloutRecord = Target.extend({
  /** The value of the annotation roll-at that was followed last. */
  rolledAt: z.string().optional(),
  /** What served before, with the template that brings it back; there until this one has taken its place. */
  from: Target.extend({ template: z.custom<PodTemplate>((value) => typeof value === 'object') }).optional(),
  /** What was rolled back last, and why. */
  failed: z.object({ asked: z.string(), image: z.string(), message: z.string() }).optional(),
});
export type RolloutRecord = z.infer<typeof RolloutRecord>;

/** Undefined for a Deployment that has none, or one that nobody can read. */
export function readRecord(deployment: Live<Deployment> | undefined): RolloutRecord | undefined {
  const text = deployment?.metadata.annotations?.[rolloutAnnotation];
  if (text === undefined) return undefined;
  try {
    return RolloutRecord.parse(JSON.parse(text));
  } catch {
    // Who may write Deployments can write anything there.
    return undefined;
  }
}

/** Equal records have equal text. */
export function writeRecord(record: RolloutRecord): Record<string, string> {
  return { [rolloutAnnotation]: stableJson(record) };
}
