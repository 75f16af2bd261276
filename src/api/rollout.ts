import { z } from 'zod';
import { Duration } from './duration.ts';
import { partUses } from './runtime-options.ts';

/** What is taken where the spec does not say. */
export const usualRollout = { strategy: 'Auto', drainAfter: '5m', gracePeriod: '5m' } as const;

export const RolloutOptions = z
  .object({
    strategy: z
      .enum(['Auto', 'Surge', 'Drain'])
      .default(usualRollout.strategy)
      .describe(
        'Surge: a new pod is ready before an old one stops, which takes room, such as GPUs, for one pod more. Drain: an old pod stops before a new one starts; with one replica nothing answers meanwhile. Auto: Surge, turning to Drain when there is no room for the pod more for as long as drainAfter says. The condition RolledOut tells which one it is.',
      ),
    drainAfter: Duration.default(usualRollout.drainAfter).describe(
      'With strategy Auto: how long the pod more may wait for room. Longer than an autoscaler of nodes needs for one.',
    ),
    progressDeadline: Duration.optional().describe(
      'How long a rollout may stand still before what served before is brought back. Default: 15 minutes, gracePeriod, and 20 seconds for each GB of the weights.',
    ),
    gracePeriod: Duration.default(usualRollout.gracePeriod).describe(
      'How long a pod that is to stop may take to finish the answers it has begun. It ends as soon as there are none.',
    ),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: `self.strategy == 'Auto' || self.drainAfter == '${usualRollout.drainAfter}'`,
        message: 'drainAfter is when strategy Auto turns to Drain: leave it out, or set strategy: Auto',
      },
      {
        rule: "!has(self.progressDeadline) || duration(self.progressDeadline) >= duration('10s')",
        message: 'progressDeadline is at least 10s: a pod needs time to start',
      },
      {
        rule: "duration(self.gracePeriod) <= duration('24h')",
        message: 'gracePeriod is at most 24h',
      },
    ],
  })
  .describe('How pods are replaced when the image, the spec or the revision of the Model changes.');
export type RolloutOptions = z.infer<typeof RolloutOptions>;

/** What a pod serves. */
export const ServedRevision = z.object({
  name: z.string().max(253).describe('Of the Model.'),
  revision: z.string().max(80).describe('As status.artifact.revision of the Model has it.'),
  digest: z.string().max(80).describe('As status.artifact.digest of the Model has it.'),
  claimName: z.string().max(253).describe('The PersistentVolumeClaim that the pods mount.'),
});
export type ServedRevision = z.infer<typeof ServedRevision>;

/** Models that a pod loads beside the one that it serves. */
export const ServedParts = z
  .array(ServedRevision.extend({ use: z.enum(partUses).describe('What it is to the server.') }))
  .max(9)
  .meta({ 'x-kubernetes-list-type': 'atomic' });
export type ServedParts = z.infer<typeof ServedParts>;

export const RolloutStatus = z
  .object({
    strategy: z.enum(['Surge', 'Drain']).describe('How pods are being replaced.'),
    from: ServedRevision.describe(
      'What served before. It is kept, and comes back when the rollout does not get on.',
    ),
    fromParts: ServedParts.optional().describe('What was loaded beside it.'),
    answering: z
      .array(
        z.object({
          digest: z.string().max(80).describe('Of the weights that they have loaded.'),
          pods: z.int().describe('How many answer.'),
        }),
      )
      .max(2)
      .describe(
        'The pods that answer, by what they have loaded: while there are two digests, answers come from either, and each says which in the header longshore-model-digest.',
      ),
  })
  .describe('There while pods are being replaced.');
export type RolloutStatus = z.infer<typeof RolloutStatus>;

export const RuntimeStatus = z
  .object({
    image: z.string().max(512).describe('The image that the pods are told to run.'),
    vendor: z.string().max(32).optional().describe('Whose GPUs it computes on; absent on the CPU.'),
    available: z
      .string()
      .max(512)
      .optional()
      .describe(
        'The image of the operator, where it is another: pods on GPUs turn to it when the annotation longshore.dev/roll-at of the ModelServer has a new value.',
      ),
  })
  .describe('The runtime. On GPUs it stays the one that it is when the operator is upgraded.');
export type RuntimeStatus = z.infer<typeof RuntimeStatus>;

/** All that the pods of a server mount, and what they may be told to mount again. */
export function keptRevisions(status: KeptBy | undefined): ServedRevision[] {
  const { model, parts = [], rollout } = status ?? {};
  const { from, fromParts = [] } = rollout ?? {};
  return [...(model ? [model] : []), ...parts, ...(from ? [from] : []), ...fromParts];
}

interface KeptBy {
  model?: ServedRevision | undefined;
  parts?: ServedParts | undefined;
  rollout?: RolloutStatus | undefined;
}
