import { z } from 'zod';
import {
  Affinity,
  NodeSelector,
  ObjectName,
  Quantity,
  ResourceRequirements,
  Toleration,
} from './kubernetes.ts';
import { PodAnnotations, PodLabels } from './pod-metadata.ts';

/**
 * One variable. Of which there are: those by which drivers and llama.cpp are tuned. Others would be a way to have any code
 * run: by what a loader or Node.js loads (LD_PRELOAD, NODE_OPTIONS), or from a file of a volume, which a slash would name.
 */
const EnvVariable = z.object({
  name: z
    .string()
    .max(63)
    .regex(/^(GGML|LLAMA|CUDA|MESA|RADV|AMD|ANV|INTEL)_[A-Z0-9_]+$/)
    .describe(
      'Of llama.cpp and of GPU drivers: GGML_..., LLAMA_..., CUDA_..., MESA_..., RADV_..., AMD_..., ANV_... or INTEL_...',
    ),
  value: z
    .string()
    .max(256)
    .regex(/^[^/\\]*$/)
    .describe('Plain text; it cannot name a file.'),
});

const TopologySpread = z
  .object({
    topologyKey: z
      .string()
      .min(1)
      .max(316)
      .describe('The node label that tells places apart, e.g. topology.kubernetes.io/zone.'),
    maxSkew: z
      .int()
      .min(1)
      .default(1)
      .describe('By how many pods the fullest place may be ahead of the emptiest.'),
    whenUnsatisfiable: z
      .enum(['DoNotSchedule', 'ScheduleAnyway'])
      .describe('Whether a pod that would go against it waits, or only goes elsewhere if it can.'),
    minDomains: z
      .int()
      .min(1)
      .optional()
      .describe('Places that there have to be at least; with DoNotSchedule only.'),
    nodeAffinityPolicy: z
      .enum(['Honor', 'Ignore'])
      .optional()
      .describe('Whether nodes that the pod may not run on are left out of account. Default: Honor.'),
    nodeTaintsPolicy: z
      .enum(['Honor', 'Ignore'])
      .optional()
      .describe('Whether nodes whose taints the pod does not tolerate are left out. Default: Ignore.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "!has(self.minDomains) || self.whenUnsatisfiable == 'DoNotSchedule'",
        message: 'minDomains goes with whenUnsatisfiable: DoNotSchedule',
      },
    ],
  });

/**
 * What of a pod may be chosen. A whole pod template would let whoever may create a ModelServer run anything, with the
 * rights of the operator.
 */
export const PodOptions = z
  .object({
    resources: ResourceRequirements.optional().describe(
      'Resources of the server container, beside its GPUs.',
    ),
    nodeSelector: NodeSelector.optional(),
    tolerations: z
      .array(Toleration)
      .max(16)
      .optional()
      .describe('Taints the pods tolerate, beside those of GPU nodes.'),
    affinity: Affinity.optional().describe('On which nodes, and near which pods, the pods run.'),
    topologySpread: z
      .array(TopologySpread)
      .max(8)
      .optional()
      .meta({
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['topologyKey', 'whenUnsatisfiable'],
      })
      .describe(
        'How the replicas are spread; the pods of one revision of the server are counted. Default: over nodes and zones, where that can be had; [] leaves it to the scheduler.',
      ),
    priorityClassName: ObjectName.optional().describe('The PriorityClass of the pods.'),
    runtimeClassName: ObjectName.optional().describe(
      'The RuntimeClass of the pods, e.g. nvidia where that is not the default of the GPU nodes.',
    ),
    labels: PodLabels.optional().describe('Labels of the pods, beside those of Longshore.'),
    annotations: PodAnnotations.optional().describe('Annotations of the pods, beside those of Longshore.'),
    env: z
      .array(EnvVariable)
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('Variables by which llama.cpp and GPU drivers are tuned, e.g. GGML_CUDA_FORCE_MMQ.'),
    imagePullSecrets: z
      .array(z.object({ name: ObjectName.describe('A Secret in the namespace of the ModelServer.') }))
      .max(16)
      .optional()
      .describe(
        'Secrets that the image is pulled with, in place of those that the operator was installed with.',
      ),
    supplementalGroups: z
      .array(z.int().min(1).max(2_147_483_647))
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'set' })
      .describe(
        'Groups that the server is in beside its own: those that own /dev/kfd and /dev/dri on nodes with GPUs of AMD or Intel, commonly `render` and `video`, by their numbers.',
      ),
    sharedMemorySize: Quantity.optional().describe(
      'The size of /dev/shm, which counts as memory of the container. Default: what the container runtime gives, mostly 64Mi.',
    ),
  })
  .describe('The part of the pods that may be chosen.');
export type PodOptions = z.infer<typeof PodOptions>;
