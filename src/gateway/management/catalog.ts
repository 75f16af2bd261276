import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { findCondition } from '../../kube/conditions.ts';
import type { Live } from '../../kube/kind.ts';
import { byName, namesOf, type Names } from '../names.ts';

/** A Model, and what serves it. */
export interface CatalogEntry {
  name: string;
  namespace: string;
  /** As the status has it; absent until the source has answered. */
  source?: string;
  status: string;
  message: string;
  /** Whether its files are on storage, verified. */
  available: boolean;
  /** Whether a server of it takes requests. */
  loaded: boolean;
  revision?: string;
  digest?: string;
  /** Bytes. */
  size?: number;
  progress?: {
    percent: number;
    completed: number;
    total: number;
    bytes_per_second?: number;
    seconds_left?: number;
  };
  architecture?: string;
  parameters?: string;
  quantization?: string;
  context_length?: number;
  license?: string;
  servers: {
    name: string;
    names: string[];
    status: string;
    message: string;
    replicas: number;
    ready: number;
  }[];
}

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
