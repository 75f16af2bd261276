import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import { formatKey, keyOf, type Key, type Live } from '../../kube/kind.ts';
import { find, type Names } from '../names.ts';
import { Refusal } from '../../http-server/refusal.ts';
import { unknownModel } from '../standing.ts';
import { deleteOwn, ensureModel, ensureOwn, ensureServer, type Writing } from './objects.ts';
import type { Progress } from './progress.ts';
import { loadProgress, pullProgress, type Streams } from './pulling.ts';
import type { Origins, Wanted } from './wanted.ts';

export interface Management extends Writing, Origins {
  names: Names;
  streams: Streams;
  /** Where Models are made when a request does not say it. */
  namespace: string;
  /** GPUs of a server when a request does not say it. */
  gpus: number;
}

export interface Load {
  /** The name of the ModelServer; default: that of the Model. */
  server?: string | undefined;
  /** How many pods, and with what. */
  replicas?: number | undefined;
  gpus?: number | undefined;
  context_size?: number | undefined;
  parallel?: number | undefined;
}

/** Makes the Model, or joins the pull of the one that is there. */
export async function pull(
  management: Management,
  namespace: string,
  wanted: Wanted,
  signal: AbortSignal,
): Promise<AsyncGenerator<Progress>> {
  await ensureModel(management, namespace, wanted);
  return pullProgress(management.streams, { namespace, name: wanted.name }, signal);
}

/** Has a Model served, by a server of that name or its own, and tells first how far its pull is, then how far its load is. */
export async function load(
  management: Management,
  model: Key,
  { servedName, server = model.name, ...asked }: Load & { servedName: string | undefined },
  signal: AbortSignal,
): Promise<AsyncGenerator<Progress>> {
  const { replicas, gpus = management.gpus, context_size: contextSize, parallel } = asked;
  const key = { namespace: model.namespace, name: server };
  await ensureServer(management, key, {
    modelRef: { name: model.name },
    gpu: { count: gpus },
    ...(servedName !== undefined && { servedNames: [servedName] }),
    ...(replicas !== undefined && { replicas }),
    ...((contextSize !== undefined || parallel !== undefined) && {
      runtime: {
        ...(contextSize !== undefined && { contextSize }),
        ...(parallel !== undefined && { parallel }),
      },
    }),
  });
  return pulledAndLoaded(management.streams, model, key, signal);
}

async function* pulledAndLoaded(
  streams: Streams,
  model: Key,
  server: Key,
  signal: AbortSignal,
): AsyncGenerator<Progress> {
  for await (const line of pullProgress(streams, model, signal)) {
    if (line.status !== 'success') yield line;
  }
  yield* loadProgress(streams, server, signal);
}

/** Deletes the servers of what a name stands for. @throws Refusal where it is not the gateway that has made one */
export async function unload(management: Management, asked: string): Promise<string[]> {
  const found = find(management.names, asked);
  if (!found) throw unknownModel(asked);
  if (!found.servers) {
    throw new Refusal(404, `The model '${asked}' is not loaded: no ModelServer serves it.`, {
      code: 'model_not_loaded',
    });
  }
  await deleteServers(management, found.servers);
  return found.servers.map((server) => formatKey(keyOf(server)));
}

/** Deletes a Model and its servers. @throws Refusal where it is not the gateway that has made all of them; nothing is deleted then */
export async function remove(management: Management, asked: string): Promise<string> {
  const { client } = management;
  const model = modelOf(management, asked);
  const { namespace, name } = keyOf(model);
  const servers = management.caches.servers
    .by('model', name)
    .filter(({ metadata }) => metadata.namespace === namespace);
  if (!(await ensureOwn(client, models, { namespace, name }))) throw unknownModel(asked);
  await deleteServers(management, servers);
  await deleteOwn(client, models, model);
  return formatKey({ namespace, name });
}

async function deleteServers({ client }: Management, servers: readonly Live<ModelServer>[]): Promise<void> {
  for (const server of servers) await ensureOwn(client, modelServers, keyOf(server));
  for (const server of servers) await deleteOwn(client, modelServers, server);
}

/** The Model that a name stands for: its own, that of a server, or the one that its source has for it. @throws Refusal */
export function modelOf(management: Management, asked: string): Live<Model> {
  const { caches, names, namespace } = management;
  const [, inNamespace, itsName] = /^([^/]+)\/([^/]+)$/.exec(asked) ?? [];
  const qualified =
    inNamespace !== undefined && itsName !== undefined && caches.models.get(inNamespace, itsName);
  if (qualified) return qualified;
  const own = caches.models.get(namespace, asked);
  if (own) return own;
  const found = find(names, asked);
  const server = found?.servers?.[0];
  const served = server && caches.models.get(keyOf(server).namespace, server.spec.modelRef.name);
  const model = found?.model ?? served;
  if (model) return model;
  throw unknownModel(asked);
}
