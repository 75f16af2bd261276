import type { ZodType } from 'zod';

/** metadata as the API server sends it: times are RFC 3339 strings. `managedFields` is never kept. */
export interface ObjectMeta {
  name?: string | undefined;
  generateName?: string | undefined;
  namespace?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  generation?: number | undefined;
  creationTimestamp?: string | undefined;
  deletionTimestamp?: string | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  finalizers?: string[] | undefined;
  ownerReferences?: OwnerReference[] | undefined;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean | undefined;
  blockOwnerDeletion?: boolean | undefined;
}

export interface KubeObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata?: ObjectMeta | undefined;
}

/** An object that exists on the API server: these members of its metadata are always there. */
export type Live<T extends KubeObject> = T & {
  metadata: ObjectMeta & { name: string; uid: string; resourceVersion: string };
};

/** What a writer wants of an object: any part of it. apiVersion and kind are taken from the Kind. */
export type Desired<T extends KubeObject> = Omit<Partial<T>, 'metadata'> & {
  metadata?: ObjectMeta | undefined;
};

/**
 * A resource of the API server and the TypeScript type of its objects. With a schema, an informer lets only
 * objects in that the schema accepts and keeps what the schema makes of them (defaults applied, unknown members
 * dropped), except metadata, which is kept as the server sent it.
 */
export interface Kind<T extends KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  /** The resource's name in URLs, e.g. `persistentvolumeclaims`. */
  readonly plural: string;
  readonly namespaced: boolean;
  readonly schema?: ZodType<T> | undefined;
}

/** Names an object of a known kind; namespace is absent or empty for cluster-scoped kinds. */
export interface Ref {
  namespace?: string | undefined;
  name: string;
}

/** What queues and controllers pass around; namespace is empty for cluster-scoped objects. */
export interface Key {
  namespace: string;
  name: string;
}

export function keyOf(object: KubeObject): Key {
  return { namespace: object.metadata?.namespace ?? '', name: object.metadata?.name ?? '' };
}

export function formatKey(key: Ref): string {
  return `${key.namespace ?? ''}/${key.name}`;
}

export function parseKey(text: string): Key {
  const slash = text.indexOf('/');
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** The owner reference by which `owner` controls a child: the garbage collector deletes the child with it. */
export function controlledBy<T extends KubeObject>(kind: Kind<T>, owner: Live<KubeObject>): OwnerReference {
  return {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The owner that controls the object, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((owner) => owner.controller === true);
}

/** The URL path of a collection, or of one object of it when `name` is given. */
export function pathOf<T extends KubeObject>(
  kind: Kind<T>,
  target: { namespace?: string | undefined; name?: string | undefined },
  subresource?: string,
): string {
  const root = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  const scope =
    kind.namespaced && target.namespace ? `/namespaces/${encodeURIComponent(target.namespace)}` : '';
  const object = target.name === undefined ? '' : `/${encodeURIComponent(target.name)}`;
  return `${root}${scope}/${kind.plural}${object}${subresource === undefined ? '' : `/${subresource}`}`;
}
