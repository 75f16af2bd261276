import { z } from 'zod';
import { Gpu } from './gpu.ts';
import { apiVersion, Conditions, ObjectMeta, ObjectName } from './kubernetes.ts';
import {
  RolloutOptions,
  RolloutStatus,
  RuntimeStatus,
  ServedParts,
  ServedRevision,
  usualRollout,
} from './rollout.ts';
import { RuntimeOptions } from './runtime-options.ts';
import { PodOptions } from './server-pod.ts';

/** What clients may call a model: names of Ollama, Hugging Face and OpenAI alike. */
const ServedName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9]([-._:/@A-Za-z0-9]*[A-Za-z0-9])?$/);

export const Auth = z
  .object({
    secretName: ObjectName.describe(
      'A Secret in the namespace of the ModelServer. Every line of each of its values is an API key; changes are followed without a restart.',
    ),
  })
  .describe('Who may ask: clients that send one of the keys as a bearer token. Default: everybody.');
export type Auth = z.infer<typeof Auth>;

export const ModelServerSpec = z.object({
  modelRef: z
    .object({ name: ObjectName.describe('A Model in the same namespace.') })
    .describe('The Model to serve.'),
  servedNames: z
    .array(ServedName)
    .max(16)
    .optional()
    .meta({ 'x-kubernetes-list-type': 'set' })
    .describe('What clients may send as `model`, beside the name of the ModelServer, e.g. llama3.1:8b.'),
  replicas: z
    .int()
    .min(0)
    .max(1000)
    .default(1)
    .describe('Pods that serve the model. Whoever scales owns it: the operator never writes it.'),
  gpu: Gpu.default({ count: 1 }),
  runtime: RuntimeOptions.default({ parallel: 1 }),
  rollout: RolloutOptions.default(usualRollout),
  pod: PodOptions.optional(),
  auth: Auth.optional(),
});
export type ModelServerSpec = z.infer<typeof ModelServerSpec>;

export const ModelServerStatus = z.object({
  observedGeneration: z.int().optional().describe('The generation of the spec that this status is about.'),
  conditions: Conditions.optional(),
  replicas: z.int().optional().describe('Pods that exist.'),
  readyReplicas: z.int().optional().describe('Pods that answer.'),
  ready: z.string().max(32).optional().describe('What the READY column shows, e.g. 1/2.'),
  selector: z.string().max(512).optional().describe('Selects the pods; for the scale subresource.'),
  endpoint: z
    .string()
    .max(512)
    .optional()
    .describe('The URL at which the server answers inside the cluster.'),
  model: ServedRevision.optional().describe('What the pods are told to serve.'),
  parts: ServedParts.optional().describe(
    'Adapters and a draft model: what the pods are told to load beside the model.',
  ),
  rollout: RolloutStatus.optional(),
  runtime: RuntimeStatus.optional(),
  load: z
    .object({
      percent: z.int().min(0).max(100).describe('100 when every pod is ready.'),
      text: z.string().max(32).describe('What the LOADING column shows.'),
    })
    .optional()
    .describe('How far the slowest pod has loaded the weights.'),
});
export type ModelServerStatus = z.infer<typeof ModelServerStatus>;

export const ModelServer = z.object({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('ModelServer'),
  metadata: ObjectMeta,
  spec: ModelServerSpec,
  status: ModelServerStatus.optional(),
});
export type ModelServer = z.infer<typeof ModelServer>;
