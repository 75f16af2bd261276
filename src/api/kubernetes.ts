import { z } from 'zod';

/** Fragments of Kubernetes' own API that our specs embed, with the limits the CRDs state. */

/** A resource quantity such as `20Gi` or `500m`; never negative. */
export const Quantity = z
  .string()
  .max(32)
  .regex(/^([0-9]+)(\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$/);

/** The name of an object that ends up in DNS: a Secret, a Model, a storage class. */
export const ObjectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/);

export const ResourceRequirements = z.object({
  requests: z
    .record(z.string(), Quantity)
    .optional()
    .describe('What the scheduler sets aside, e.g. cpu: "2".'),
  limits: z.record(z.string(), Quantity).optional().describe('What the container may use at most.'),
});

export const NodeSelector = z
  .record(z.string(), z.string().max(63))
  .describe('Labels a node must have to run the pod.');

export const Toleration = z.object({
  key: z.string().max(316).optional().describe('The taint key; empty matches every key.'),
  operator: z.enum(['Exists', 'Equal']).optional().describe('How the value is compared; default Equal.'),
  value: z.string().max(63).optional().describe('The taint value to match.'),
  effect: z
    .enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'])
    .optional()
    .describe('The taint effect to match; empty matches all.'),
  tolerationSeconds: z.int().optional().describe('How long a NoExecute taint is tolerated.'),
});
export type Toleration = z.infer<typeof Toleration>;

/** Labels that objects, or nodes, must have. */
function requirement<const Operators extends readonly [string, ...string[]]>(operators: Operators) {
  return z.object({
    key: z.string().max(316).describe('The label key.'),
    operator: z.enum(operators).describe('How the label is compared with the values.'),
    values: z.array(z.string().max(253)).max(64).optional().describe('None for Exists and DoesNotExist.'),
  });
}

/** metav1.LabelSelector. */
export const LabelSelector = z.object({
  matchLabels: z.record(z.string(), z.string().max(63)).optional(),
  matchExpressions: z
    .array(requirement(['In', 'NotIn', 'Exists', 'DoesNotExist']))
    .max(16)
    .optional(),
});

const NodeRequirements = z
  .array(requirement(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']))
  .max(16)
  .optional();
const NodeSelectorTerm = z.object({ matchExpressions: NodeRequirements, matchFields: NodeRequirements });

const PodAffinityTerm = z.object({
  labelSelector: LabelSelector.optional(),
  namespaceSelector: LabelSelector.optional(),
  namespaces: z.array(z.string().max(63)).max(16).optional(),
  topologyKey: z.string().max(316).describe('The node label that tells places apart.'),
});

const weight = z.int().min(1).max(100);
const PodAffinity = z.object({
  requiredDuringSchedulingIgnoredDuringExecution: z
    .array(PodAffinityTerm)
    .max(16)
    .optional()
    .describe('Where the pod has to run, or not to.'),
  preferredDuringSchedulingIgnoredDuringExecution: z
    .array(z.object({ weight, podAffinityTerm: PodAffinityTerm }))
    .max(16)
    .optional()
    .describe('Where the pod should rather run, or not.'),
});

/** v1.Affinity. */
export const Affinity = z.object({
  nodeAffinity: z
    .object({
      requiredDuringSchedulingIgnoredDuringExecution: z
        .object({
          nodeSelectorTerms: z.array(NodeSelectorTerm).min(1).max(16).describe('Each is enough by itself.'),
        })
        .optional()
        .describe('Nodes that the pod may run on.'),
      preferredDuringSchedulingIgnoredDuringExecution: z
        .array(z.object({ weight, preference: NodeSelectorTerm }))
        .max(16)
        .optional()
        .describe('Nodes that the pod should rather run on.'),
    })
    .optional()
    .describe('On which nodes the pod runs.'),
  podAffinity: PodAffinity.optional().describe('Near which pods the pod runs.'),
  podAntiAffinity: PodAffinity.optional().describe('Away from which pods the pod runs.'),
});
export type Affinity = z.infer<typeof Affinity>;

/** metav1.Condition. */
export const Condition = z.object({
  type: z.string().max(316).describe('What the condition is about, in CamelCase.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  observedGeneration: z.int().min(0).optional().describe('The generation of the spec this was said of.'),
  lastTransitionTime: z.iso.datetime().describe('When status last changed.'),
  reason: z.string().min(1).max(1024).describe('Why, as one stable CamelCase word.'),
  message: z.string().max(32768).describe('Why, as a sentence: what happened, to what, what to do next.'),
});
export type Condition = z.infer<typeof Condition>;

export const Conditions = z
  .array(Condition)
  .max(16)
  .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
  .describe('Where the object stands; Ready, Reconciling and Stalled follow kstatus.');

/** Those of ours. Others can be large, such as what kubectl applied last. */
const Annotations = z
  .record(z.string(), z.string())
  .transform((all) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('longshore.dev/'))),
  );

/** The part of metadata that the controllers read. */
export const ObjectMeta = z.object({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  generation: z.int(),
  resourceVersion: z.string(),
  deletionTimestamp: z.string().optional(),
  creationTimestamp: z.string().optional(),
  annotations: Annotations.optional(),
});
export type ObjectMeta = z.infer<typeof ObjectMeta>;

export const group = 'longshore.dev';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}`;
