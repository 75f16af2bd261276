/**
 * Writes what is derived from src/api: crds/, the chart's copy of them and the schema of its values, and the table of reasons
 * in docs; and what is derived from src/protocols: the tables of fields and the documents that a server and the gateway have
 * at /openapi.json.
 * With `--check` it writes nothing and fails when a file is not what it would write.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { stringify } from 'yaml';
import { z } from 'zod';
import { customResourceDefinition, definitions } from '../src/api/crd.ts';
import { PullerOptions } from '../src/api/puller-options.ts';
import { reasons, type ReasonText } from '../src/api/reasons.ts';
import { ServerNetwork } from '../src/api/server-network.ts';
import { publicHub, publicRegistry } from '../src/api/source.ts';
import { createServer as createGateway } from '../src/gateway/server.ts';
import { createMetrics } from '../src/runtime-image/metrics.ts';
import { createServer } from '../src/runtime-image/server.ts';
import { newState } from '../src/runtime-image/state.ts';
import { apiFields } from './api-fields.ts';

const root = join(import.meta.dirname, '..');
const note = '# Generated from src/api by `npm run generate`; do not edit.\n';

/** Helm must neither delete the CRDs, and every Model with them, on uninstall nor skip them on upgrade. */
function keptByHelm(crd: Record<string, unknown>): Record<string, unknown> {
  const metadata = crd['metadata'] as Record<string, unknown>;
  return { ...crd, metadata: { ...metadata, annotations: { 'helm.sh/resource-policy': 'keep' } } };
}

/** null: no limit. */
const pullLimit = { type: ['integer', 'null'], minimum: 1 };
const pulls = {
  type: 'object',
  additionalProperties: false,
  properties: { perCluster: pullLimit, perNamespace: pullLimit },
};

const only = (properties: object): object => ({ type: 'object', additionalProperties: false, properties });
const secret = only({ secretName: { type: 'string' } });
const count = { type: 'integer', minimum: 1 };

/** A misspelled `secretName` would leave the gateway open. */
const gateway = only({
  enabled: { type: 'boolean' },
  replicas: count,
  homeNamespace: { type: 'string' },
  auth: secret,
  tls: secret,
  management: only({
    enabled: { type: 'boolean' },
    namespace: { type: 'string' },
    endpoints: { type: 'array', items: { type: 'string', pattern: '^https?://[^,/]+' } },
    hub: { type: 'string', pattern: '^https?://' },
    registry: { type: 'string', pattern: '^https?://' },
    gpus: { type: 'integer', minimum: 0, maximum: 16 },
  }),
  service: only({
    type: { enum: ['ClusterIP', 'NodePort', 'LoadBalancer'] },
    port: { type: 'integer', minimum: 1, maximum: 65_535 },
    annotations: { type: 'object' },
  }),
  requests: count,
  bodiesMiB: { type: 'integer', minimum: 8 },
  requestSeconds: count,
  idleSeconds: count,
  networkPolicy: only({ enabled: { type: 'boolean' }, from: { type: 'array' } }),
  resources: { type: 'object' },
  nodeSelector: { type: 'object' },
  tolerations: { type: 'array' },
  affinity: { type: 'object' },
  podAnnotations: { type: 'object' },
});

const repository = { type: 'string', minLength: 1 };
const admissionPolicy = {
  type: 'object',
  additionalProperties: false,
  properties: { enabled: { type: 'boolean' }, images: { type: 'array', items: repository } },
};

const argocd = only({ enabled: { type: 'boolean' } });
const rbac = only({ aggregate: { type: 'boolean' } });

/** Of values that have the form of a schema of ours. */
function schemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...written } = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      for (const keyword of Object.keys(jsonSchema)) {
        if (keyword.startsWith('x-kubernetes-')) delete jsonSchema[keyword];
      }
      if (jsonSchema.properties) jsonSchema.additionalProperties = false;
    },
  });
  return written;
}

/** What Helm checks the values of the chart by: those where a wrong name or value would be found out late. */
function valuesSchema(): string {
  const networkPolicy = schemaOf(ServerNetwork.extend({ enabled: z.boolean() }));
  const puller = schemaOf(PullerOptions);
  const properties = { puller, pulls, gateway, networkPolicy, admissionPolicy, rbac, argocd };
  const $schema = 'http://json-schema.org/draft-07/schema#';
  return `${JSON.stringify({ $schema, type: 'object', properties }, null, 2)}\n`;
}

/** For people: ``Model: `Resolved`, `Pulled`; events of a PersistentVolumeClaim``. */
function placesOf({ where }: ReasonText): string {
  const byKind = Map.groupBy(where, (place) => place.split(' ')[0] ?? '');
  return Array.from(byKind, ([kind, places]) => {
    const conditions = places.filter((place) => !place.endsWith(' event'));
    const named = conditions.map((place) => `\`${place.split(' ')[1]}\``).join(', ');
    return [
      ...(named === '' ? [] : [`${kind}: ${named}`]),
      ...(conditions.length < places.length ? [`events of a ${kind}`] : []),
    ].join('; ');
  }).join('; ');
}

function reasonTable(): string {
  const rows = Object.entries(reasons).map(
    ([name, text]) => `| \`${name}\` | ${placesOf(text)} | ${text.meaning} | ${text.action} |`,
  );
  return [
    '<!-- Generated from src/api/reasons.ts by `npm run generate`; do not edit. -->',
    '# Reasons',
    '',
    'Every reason that a condition or an event of a Model, a ModelServer or a claim carries. They are stable: alert on them.',
    '',
    'The conditions `Ready`, `Reconciling` and `Stalled` have the reason of the condition that is not True. `Reconciling` is True where time or the cluster brings the next step, and `Stalled` where a person has to change something. When the reason of `Ready` becomes another one, there is an event of it, but not of those that only say that all goes its way.',
    '',
    '| Reason | Where | What it means | What to do |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** As a server with keys answers it. */
async function openApi(): Promise<string> {
  const state = newState('model', new Date(0));
  const keys = { accepts: () => Promise.resolve(false) };
  const app = createServer(state, createMetrics(state), pino({ level: 'silent' }), keys);
  const document: unknown = (await app.inject('/openapi.json')).json();
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** As a gateway with keys that manages models answers it. */
async function gatewayOpenApi(): Promise<string> {
  const empty = { get: () => undefined, list: () => [], by: () => [], onChange: () => () => undefined };
  const unused = (): never => {
    throw new Error('nothing is written to be described');
  };
  const { app } = createGateway({
    caches: { models: empty, servers: empty, pods: empty },
    log: pino({ level: 'silent' }),
    homeNamespace: undefined,
    keys: { callerOf: () => Promise.resolve(undefined) },
    admission: { requests: 1, bytes: 1 },
    limits: { request: 1000, idle: 1000, connect: 1000 },
    management: {
      client: { create: unused, delete: unused, managersOf: unused },
      caches: { models: empty, servers: empty },
      namespace: 'default',
      endpoints: [],
      hub: publicHub,
      registry: publicRegistry,
      gpus: 1,
    },
  });
  const document: unknown = (await app.inject('/openapi.json')).json();
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}

async function generatedFiles(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const definition of definitions) {
    const crd = customResourceDefinition(definition);
    const yaml = (object: unknown) =>
      note + stringify(object, { lineWidth: 110, aliasDuplicateObjects: false });
    files.set(`crds/${definition.plural}.yaml`, yaml(crd));
    files.set(`charts/longshore/templates/crds/${definition.plural}.yaml`, yaml(keptByHelm(crd)));
  }
  files.set('charts/longshore/values.schema.json', valuesSchema());
  files.set('docs/reference/reasons.md', reasonTable());
  files.set('docs/reference/api-fields.md', apiFields());
  files.set('docs/reference/openapi.json', await openApi());
  files.set('docs/reference/gateway-openapi.json', await gatewayOpenApi());
  return files;
}

const check = process.argv.includes('--check');
let drifted = 0;
for (const [path, content] of await generatedFiles()) {
  const file = join(root, path);
  const current = await readFile(file, 'utf8').catch(() => undefined);
  if (current === content) continue;
  if (check) {
    console.error(`${path} is not what its source describes: run \`npm run generate\` and commit the result`);
    drifted += 1;
  } else {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    console.log(`wrote ${path}`);
  }
}
process.exitCode = drifted > 0 ? 1 : 0;
