import { z } from 'zod';
import { group, version } from './kubernetes.ts';
import { ModelStatus } from './model-status.ts';
import { ModelSpec } from './model.ts';
import { ModelServerSpec, ModelServerStatus } from './modelserver.ts';

/** A node of an OpenAPI v3 schema. */
interface Schema {
  [keyword: string]: unknown;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
}

interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description?: string;
  /** Columns of priority 1 are shown by `-o wide` only. */
  priority?: number;
}

interface ResourceDefinition {
  kind: string;
  plural: string;
  singular: string;
  shortNames: string[];
  description: string;
  spec: z.ZodType;
  status: z.ZodType;
  columns: PrinterColumn[];
  /** CEL rules for the whole object, beside those for its name. */
  rules?: { rule: string; message: string }[];
  scale?: { specReplicasPath: string; statusReplicasPath: string; labelSelectorPath: string };
}

/**
 * Children carry the name of their owner with a suffix of up to 23 characters in labels of at most 63, and Services
 * must start with a letter.
 */
const nameRules = [
  {
    rule: "self.metadata.name.size() <= 40 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message:
      'metadata.name: at most 40 lower-case letters, digits and dashes, starting with a letter, since pods and services carry it in their names',
  },
];

/** As soon as there is a claim, which can grow and not shrink. */
const sizeRules = [
  {
    rule: '!has(oldSelf.spec.storage.size) || !has(self.spec.storage.size) || !has(self.status) || !has(self.status.storage) || !has(self.status.storage.claimUid) || quantity(self.spec.storage.size).compareTo(quantity(oldSelf.spec.storage.size)) >= 0',
    message:
      'spec.storage.size: a volume can grow and not shrink; leave size out to keep it as large as it is, or make a Model of another name for a smaller one',
  },
];

/** A request names either the model or an adapter of it. */
const adapterRules = [
  {
    rule: '!has(self.spec.runtime.adapters) || self.spec.runtime.adapters.all(one, one.modelRef.name != self.metadata.name && (!has(self.spec.servedNames) || !(one.modelRef.name in self.spec.servedNames)))',
    message:
      'spec.runtime.adapters: an adapter cannot have the name of the ModelServer or one of spec.servedNames, since clients choose by it',
  },
];

const condition = (type: string, field: 'status' | 'reason') =>
  `.status.conditions[?(@.type=="${type}")].${field}`;
const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

export const definitions: ResourceDefinition[] = [
  {
    kind: 'Model',
    plural: 'models',
    singular: 'model',
    shortNames: ['lsm'],
    description:
      'Model is a set of weights, pulled once onto a volume, verified, and watched live in its status.',
    spec: ModelSpec,
    status: ModelStatus,
    rules: sizeRules,
    columns: [
      { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
      { name: 'Status', type: 'string', jsonPath: condition('Ready', 'reason') },
      { name: 'Progress', type: 'string', jsonPath: '.status.progress.text' },
      { name: 'Size', type: 'string', jsonPath: '.status.resolved.size' },
      { name: 'Params', type: 'string', jsonPath: '.status.gguf.parameters' },
      { name: 'Quant', type: 'string', jsonPath: '.status.gguf.quantization' },
      { name: 'Servers', type: 'integer', jsonPath: '.status.servers' },
      { name: 'Source', type: 'string', jsonPath: '.status.resolved.source', priority: 1 },
      { name: 'Revision', type: 'string', jsonPath: '.status.artifact.shortRevision', priority: 1 },
      { name: 'Rate', type: 'string', jsonPath: '.status.progress.rate', priority: 1 },
      { name: 'ETA', type: 'string', jsonPath: '.status.progress.eta', priority: 1 },
      age,
    ],
  },
  {
    kind: 'ModelServer',
    plural: 'modelservers',
    singular: 'modelserver',
    shortNames: ['lsms'],
    description:
      'ModelServer is a Model loaded by a number of replicas, on GPUs or CPUs, behind one address.',
    spec: ModelServerSpec,
    status: ModelServerStatus,
    rules: adapterRules,
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
    columns: [
      { name: 'Model', type: 'string', jsonPath: '.spec.modelRef.name' },
      { name: 'Ready', type: 'string', jsonPath: '.status.ready' },
      { name: 'Status', type: 'string', jsonPath: condition('Ready', 'reason') },
      { name: 'Loading', type: 'string', jsonPath: '.status.load.text' },
      { name: 'GPU', type: 'integer', jsonPath: '.spec.gpu.count' },
      { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint' },
      age,
    ],
  },
];

/**
 * The status of an object that no operator has looked at yet. Flux, Helm and others who go by kstatus take one that says
 * nothing of itself to be as it should; a generation that no object has is behind any.
 */
const unobserved = { observedGeneration: -1 };

/** The CustomResourceDefinition (apiextensions.k8s.io/v1) of one resource. */
export function customResourceDefinition(definition: ResourceDefinition): Record<string, unknown> {
  const { kind, plural, singular, shortNames, scale } = definition;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: ['longshore'] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {}, ...(scale && { scale }) },
          additionalPrinterColumns: definition.columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description: definition.description,
              required: ['spec'],
              'x-kubernetes-validations': [...nameRules, ...(definition.rules ?? [])],
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: { description: `What is asked for.`, ...structural(definition.spec) },
                status: {
                  description: 'What is. Written by the operator alone.',
                  ...structural(definition.status),
                  default: unobserved,
                },
              },
            },
          },
        },
      ],
    },
  };
}

/** A zod schema as a structural schema: what apiextensions accepts of OpenAPI v3. */
function structural(schema: z.ZodType): Schema {
  return prune(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input', reused: 'inline' }) as Schema);
}

const dropped = new Set(['$schema', 'id', 'propertyNames']);

function prune(node: Schema): Schema {
  const out: Schema = {};
  for (const [keyword, value] of Object.entries(node)) {
    if (!dropped.has(keyword)) out[keyword] = value;
  }
  if (node.properties) {
    out.properties = Object.fromEntries(
      Object.entries(node.properties).map(([name, property]) => [name, prune(property)]),
    );
    delete out.additionalProperties;
  } else if (typeof node.additionalProperties === 'object') {
    out.additionalProperties = prune(node.additionalProperties);
  } else {
    delete out.additionalProperties;
  }
  if (node.items) out.items = prune(node.items);
  if (node['type'] === 'integer') {
    // zod states the safe range of a JavaScript number; int64 says the same and keeps `kubectl explain` readable.
    out['format'] = 'int64';
    if (out['minimum'] === Number.MIN_SAFE_INTEGER) delete out['minimum'];
    if (out['maximum'] === Number.MAX_SAFE_INTEGER) delete out['maximum'];
  }
  if (out['format'] === 'date-time') delete out['pattern'];
  return out;
}
