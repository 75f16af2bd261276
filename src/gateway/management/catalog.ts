import { z } from 'zod';
import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Live } from '../../kube/kind.ts';
import { byName, namesOf, type Names } from '../names.ts';

const status = {
  status: z.string().describe('The reason of its condition Ready.'),
  message: z.string(),
};

/** A Model, and what serves it. */
export const CatalogEntry = z
  .object({
    name: z.string(),
    namespace: z.string(),
    source: z.string().optional().describe('As the status has it; absent until the source has answered.'),
    ...status,
    available: z.boolean().describe('Whether its files are on storage, verified.'),
    loaded: z.boolean().describe('Whether a server of it takes requests.'),
    revision: z.string().optional(),
    digest: z.string().optional(),
    size: z.int().optional().describe('Bytes.'),
    progress: z
      .object({
        percent: z.int().min(0).max(100),
        completed: z.int().describe('Bytes.'),
        total: z.int().describe('Bytes.'),
        bytes_per_second: z.number().optional(),
        seconds_left: z.number().optional(),
      })
      .optional(),
    architecture: z.string().optional(),
    parameters: z.string().optional(),
    quantization: z.string().optional(),
    context_length: z.int().optional().describe('Tokens that it was trained for.'),
    license: z.string().optional(),
    servers: z.array(
      z.object({
        name: z.string(),
        names: z.array(z.string()).describe('By which it can be asked.'),
        ...status,
        replicas: z.int(),
        ready: z.int(),
      }),
    ),
  })
  .meta({ title: 'CatalogEntry' });
export type CatalogEntry = z.infer<typeof CatalogEntry>;

export const Catalog = z.object({ models: z.array(CatalogEntry) }).meta({ title: 'Catalog' });

/** Every Model, with its servers. */
export function catalog(names: Names): CatalogEntry[] {
  return byName(names.caches.models.list()).map((model) => entry(names, model));
}

function entry(names: Names, model: Live<Model>): CatalogEntry {
  const { namespace, name } = model.metadata;
  const { resolved, artifact, progress, gguf } = model.status ?? {};
  const servers = names.caches.servers
    .by('model', name)
    .filter((server) => server.metadata.namespace === namespace)
    .map((server) => serverEntry(names, server));
  const size = artifact?.sizeBytes ?? resolved?.sizeBytes;
  return {
    name,
    namespace,
    ...given({ source: resolved?.source }),
    ...standing(model),
    available: artifact !== undefined,
    loaded: servers.some(({ ready }) => ready > 0),
    ...given({ revision: artifact?.revision ?? resolved?.revision, digest: artifact?.digest, size }),
    ...(progress && {
      progress: {
        percent: progress.percent,
        completed: progress.downloadedBytes,
        total: progress.totalBytes,
        ...given({ bytes_per_second: progress.bytesPerSecond, seconds_left: progress.secondsLeft }),
      },
    }),
    ...given({
      architecture: gguf?.architecture,
      parameters: gguf?.parameters,
      quantization: gguf?.quantization,
      context_length: gguf?.contextLength,
      license: gguf?.license,
    }),
    servers,
  };
}

function serverEntry(names: Names, server: Live<ModelServer>): CatalogEntry['servers'][number] {
  return {
    name: server.metadata.name,
    names: namesOf(names, server),
    ...standing(server),
    replicas: server.spec.replicas,
    ready: server.status?.readyReplicas ?? 0,
  };
}

function standing({ status }: Live<Model> | Live<ModelServer>): { status: string; message: string } {
  const ready = findCondition(status?.conditions, 'Ready');
  return { status: ready?.reason ?? 'Pending', message: ready?.message ?? '' };
}

/** Without what is not known. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
