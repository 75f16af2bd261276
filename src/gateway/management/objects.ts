import { isDeepStrictEqual } from 'node:util';
import type { Model } from '../../api/model.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { ModelSource } from '../../api/source.ts';
import { models, modelServers } from '../../controllers/kinds.ts';
import type { KubeClient } from '../../kube/client.ts';
import { ApiError, isConflict, isNotFound } from '../../kube/errors.ts';
import type { Informer } from '../../kube/informer.ts';
import { formatKey, keyOf, type Key, type Kind, type KubeObject, type Live } from '../../kube/kind.ts';
import type { Cache } from '../caches.ts';
import { Refusal } from '../../http-server/refusal.ts';
import type { Wanted } from './wanted.ts';

/** The field manager of what the gateway writes. */
export const fieldManager = 'longshore-gateway';
/** The operator puts a finalizer on Models, and nothing else. */
const operatorsManager = 'longshore';

export type Written<T extends KubeObject> = Cache<T> & Pick<Informer<T>, 'onChange'>;

export interface Writing {
  client: Pick<KubeClient, 'create' | 'delete' | 'managersOf'>;
  caches: { models: Written<Model>; servers: Written<ModelServer> };
}

/** Makes the Model, or finds the one that is the same: a second pull joins the first. @throws Refusal where another one has the name */
export async function ensureModel(
  { client, caches }: Writing,
  namespace: string,
  { name, source, storage }: Wanted,
): Promise<'created' | 'joined'> {
  const kind: Kind<KubeObject & { spec: object }> = { ...models, schema: undefined };
  const there =
    caches.models.get(namespace, name) ??
    (await made(client, kind, { namespace, name }, { source, ...(storage && { storage }) }));
  if (there === 'created') return 'created';
  if (there !== 'taken' && isOf(there, source)) return 'joined';
  throw new Refusal(
    409,
    `There is a Model ${namespace}/${name} of another source. Choose another name with model_id, or delete that one first.`,
    { code: 'name_taken', param: 'model_id' },
  );
}

/** Whether a Model is of this very source, defaults included. */
function isOf({ spec }: Live<Model>, source: Wanted['source']): boolean {
  return isDeepStrictEqual(spec.source, ModelSource.parse(source));
}

/** Makes a ModelServer of the Model, or finds the one that is there. @throws Refusal where another Model's has the name */
export async function ensureServer(
  { client, caches }: Writing,
  { namespace, name }: Key,
  spec: { modelRef: { name: string } } & Record<string, unknown>,
): Promise<'created' | 'joined'> {
  const kind: Kind<KubeObject & { spec: object }> = { ...modelServers, schema: undefined };
  const there = caches.servers.get(namespace, name) ?? (await made(client, kind, { namespace, name }, spec));
  if (there === 'created') return 'created';
  if (there !== 'taken' && there.spec.replicas === 0) {
    throw new Refusal(
      409,
      `ModelServer ${namespace}/${name} has 0 replicas, and whoever scales it owns that. Scale it: kubectl scale modelserver ${name} -n ${namespace} --replicas=1`,
      { code: 'scaled_to_zero' },
    );
  }
  if (there !== 'taken' && there.spec.modelRef.name === spec.modelRef.name) return 'joined';
  throw new Refusal(
    409,
    `There is a ModelServer ${namespace}/${name} of another Model. Choose another name with model_id, or delete that one first.`,
    { code: 'name_taken', param: 'model_id' },
  );
}

/** @returns `taken` when somebody else made one of that name just now, which the cache has yet to tell of */
async function made(
  client: Writing['client'],
  kind: Kind<KubeObject & { spec: object }>,
  metadata: Key,
  spec: object,
): Promise<'created' | 'taken'> {
  try {
    await client.create(kind, { metadata, spec });
    return 'created';
  } catch (error) {
    if (isConflict(error)) return 'taken';
    throw refused(kind.kind, metadata, error);
  }
}

/**
 * Deletes what the gateway has made, and nobody else has written since.
 * @throws Refusal that names who has
 */
export async function deleteOwn<T extends KubeObject>(
  client: Writing['client'],
  kind: Kind<T>,
  object: Live<T>,
): Promise<void> {
  const key = keyOf(object);
  if (!(await ensureOwn(client, kind, key))) return;
  try {
    await client.delete(kind, key, { preconditions: { uid: object.metadata.uid } });
  } catch (error) {
    throw refused(kind.kind, key, error);
  }
}

/** @returns whether it is there; the caches may not know yet @throws Refusal where another field manager has written the object */
export async function ensureOwn<T extends KubeObject>(
  client: Writing['client'],
  kind: Kind<T>,
  key: Key,
): Promise<boolean> {
  const others = (await managersOf(client, kind, key))?.filter(
    (manager) => manager !== fieldManager && manager !== operatorsManager,
  );
  if (!others?.length) return others !== undefined;
  throw new Refusal(
    409,
    `${kind.kind} ${formatKey(key)} is managed by ${others.join(' and ')}, so the gateway does not change it. Change it there.`,
    { code: 'managed_elsewhere' },
  );
}

/** Undefined where it is not there. */
async function managersOf<T extends KubeObject>(
  client: Writing['client'],
  kind: Kind<T>,
  key: Key,
): Promise<string[] | undefined> {
  try {
    return await client.managersOf(kind, key);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw refused(kind.kind, key, error);
  }
}

/** What the API server has against it, as an answer of the gateway's. */
function refused(kind: string, key: Key, error: unknown): unknown {
  if (!(error instanceof ApiError)) return error;
  const what = `${kind} ${formatKey(key)}`;
  const message = error.message.replace(/^[A-Z]+ \S+: /, '');
  if (error.status === 400 || error.status === 422) {
    return new Refusal(400, `${what} was refused: ${message}`, { code: 'invalid_request', cause: error });
  }
  if (error.status === 404) {
    return new Refusal(404, `${what} was refused: ${message}`, { code: 'namespace_not_found', cause: error });
  }
  if (error.status === 403) {
    return new Refusal(403, `${what} was refused: ${message}`, { code: 'forbidden', cause: error });
  }
  if (error.status === 409) {
    return new Refusal(409, `${what} has changed meanwhile. Try again.`, { code: 'conflict', cause: error });
  }
  return new Refusal(503, 'The API server of the cluster does not answer. Try again in a moment.', {
    code: 'cluster_unreachable',
    retryAfter: 5,
    cause: error,
  });
}
