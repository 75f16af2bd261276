import type { Model } from '../api/model.ts';
import type { ModelServer } from '../api/modelserver.ts';
import type { Live } from '../kube/kind.ts';
import { canonicalName } from '../sources/model-name.ts';
import { tagged, type Caches } from './caches.ts';

/** What a name stands for: servers of one namespace that may all be asked, or a Model that none serves. */
export type Found =
  | { servers: readonly [Live<ModelServer>, ...Live<ModelServer>[]]; model?: never }
  | { model: Live<Model>; servers?: never };

/** Whose names count first where several namespaces have one. */
export interface Names {
  caches: Pick<Caches, 'models' | 'servers'>;
  /** Absent: those of the oldest server. */
  home: string | undefined;
}

/**
 * What clients mean by a name, by what it is first of: `namespace/name` of a ModelServer or a Model, the name of a
 * ModelServer, one of the `servedNames` of some, the name of a Model, the name that its source has for it. Ollama's usual
 * tag may be said or left out. Where several namespaces have it, it is that of `home`, else of the oldest: who comes later cannot take a name away.
 */
export function find(names: Names, asked: string): Found | undefined {
  const name = asked.replace(/:latest$/, '');
  return (
    findQualified(names, name) ??
    findServers(names, asked, name) ??
    findModel(names, 'name', name) ??
    findModel(names, 'source', canonicalName(asked))
  );
}

function findQualified({ caches }: Names, asked: string): Found | undefined {
  const [, namespace, name] = /^([^/]+)\/([^/]+)$/.exec(asked) ?? [];
  if (namespace === undefined || name === undefined) return undefined;
  const server = caches.servers.get(namespace, name);
  if (server && stays(server)) return { servers: [server] };
  const serving = caches.servers.by('model', name).filter((each) => each.metadata.namespace === namespace);
  const model = caches.models.get(namespace, name);
  return ofOneNamespace(serving, undefined) ?? (model && { model });
}

function findServers({ caches: { servers }, home }: Names, asked: string, name: string): Found | undefined {
  return (
    ofOneNamespace(servers.by('name', name), home) ??
    ofOneNamespace(servers.by('servedName', tagged(asked)), home) ??
    ofOneNamespace(servers.by('model', name), home)
  );
}

/** What serves a Model counts before the Model itself. */
function findModel(
  { caches: { models, servers }, home }: Names,
  index: 'name' | 'source',
  value: string,
): Found | undefined {
  const all = byAge(models.by(index, value).filter(stays));
  const model = all.find(({ metadata }) => metadata.namespace === home) ?? all[0];
  if (!model) return undefined;
  const { namespace, name } = model.metadata;
  const serving = servers.by('model', name).filter(({ metadata }) => metadata.namespace === namespace);
  return ofOneNamespace(serving, undefined) ?? { model };
}

function ofOneNamespace(servers: readonly Live<ModelServer>[], home: string | undefined): Found | undefined {
  const [oldest, ...others] = byAge(servers.filter(stays));
  if (!oldest) return undefined;
  const all = [oldest, ...others];
  const [first, ...more] = all.filter(({ metadata }) => metadata.namespace === home);
  if (first) return { servers: [first, ...more] };
  const { namespace } = oldest.metadata;
  return { servers: [oldest, ...others.filter(({ metadata }) => metadata.namespace === namespace)] };
}

function stays({ metadata }: Live<Model> | Live<ModelServer>): boolean {
  return metadata.deletionTimestamp === undefined;
}

/** The oldest first; of the same second, by namespace and name. */
function byAge<T extends Live<Model> | Live<ModelServer>>(objects: readonly T[]): T[] {
  const order = ({ metadata: { creationTimestamp = '', namespace, name } }: T): string =>
    `${creationTimestamp} ${namespace} ${name}`;
  return objects.toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
}

/**
 * Every name under which a server can be asked, the usual one first: its own, with the namespace where another one has
 * the name alone, and its `servedNames` where they are not others'.
 */
export function namesOf(names: Names, server: Live<ModelServer>): string[] {
  const { namespace, name } = server.metadata;
  const isMeant = (asked: string): boolean =>
    find(names, asked)?.servers?.some(({ metadata }) => metadata.uid === server.metadata.uid) === true;
  const own = isMeant(name) ? name : `${namespace}/${name}`;
  return [...new Set([own, ...(server.spec.servedNames ?? []).filter(isMeant)])];
}

/** By name, then by namespace. */
export function byName<T extends Live<Model> | Live<ModelServer>>(objects: readonly T[]): T[] {
  const order = ({ metadata: { namespace, name } }: T): string => `${name} ${namespace}`;
  return objects.toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
}
