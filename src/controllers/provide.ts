import { overVersion, withHash, type Apply } from '../kube/apply.ts';
import { jobs, persistentVolumeClaims } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict, isNotFound } from '../kube/errors.ts';
import { controllerOf, type Kind, type KubeObject, type Live } from '../kube/kind.ts';
import { models } from './kinds.ts';
import { appliedAnnotation, labels } from './labels.ts';
import { isDisowned, isRetained, standsForFiles } from './retention.ts';
import type { Child } from './step.ts';

/** An object of the wanted name that somebody else made. */
export class NameTakenError extends Error {}

export interface Owner {
  kind: Pick<Kind<KubeObject>, 'kind'>;
  object: Live<KubeObject>;
}

/**
 * Has a child of the owner there as it is wanted, and answers with what is there. Rejects with NameTakenError when
 * somebody else made an object of that name.
 */
export async function provide(
  { client, apply }: { client: Pick<KubeClient, 'get' | 'create' | 'apply'>; apply: Apply },
  wanted: Child,
  owner: Owner,
  cached: Live<KubeObject> | undefined,
  signal: AbortSignal,
): Promise<Live<KubeObject>> {
  const { kind, object } = wanted;
  const { name, namespace } = object.metadata;
  // A Job is never changed. Making it asks by itself whether there is one: the request to look is saved.
  if (kind.kind === jobs.kind) {
    if (cached) return owned(owner, wanted, cached);
    try {
      return await client.create(kind, object, { signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
      return owned(owner, wanted, await client.get(kind, { name, namespace }, { signal }));
    }
  }
  if (cached) {
    await apply(kind, object, owned(owner, wanted, cached), signal);
    return cached;
  }
  const absent = (error: unknown): undefined => {
    if (isNotFound(error)) return undefined;
    throw error;
  };
  const live = await client.get(kind, { name, namespace }, { signal }).catch(absent);
  const ours = live && owned(owner, wanted, live);
  // Not by a create: what it sets would not be an apply's to take back.
  return client.apply(kind, overVersion(ours, withHash(object, appliedAnnotation)), { signal });
}

/**
 * The live object, when it is the owner's own. Names are chosen by whoever makes a Model or ModelServer: without this
 * look, naming one after a Service of another team would take that Service over.
 */
function owned(owner: Owner, wanted: Child, live: Live<KubeObject>): Live<KubeObject> {
  const { name } = wanted.object.metadata;
  if (isKeptFor(owner, wanted, live)) return live;
  const holder = controllerOf(live);
  if (holder?.uid === owner.object.metadata.uid) return live;
  if (holder?.kind === owner.kind.kind && holder.name === owner.object.metadata.name) {
    // Deleted and applied again: the garbage collector is on its way to what the first one had.
    throw new Error(
      `${wanted.kind.kind} "${name}" of the deleted ${holder.kind} of this name is still there`,
    );
  }
  throw new NameTakenError(
    `a ${wanted.kind.kind} named "${name}" is there already and belongs to something else`,
  );
}

/** A retained claim has no controller to tell whose it is, and neither has a note. */
function isKeptFor(owner: Owner, wanted: Child, live: Live<KubeObject>): boolean {
  if (owner.kind.kind !== models.kind) return false;
  const { name, uid } = owner.object.metadata;
  if (wanted.kind.kind === persistentVolumeClaims.kind)
    return isRetained(live, name) || isDisowned(live, uid);
  const isNote = wanted.kind.kind === jobs.kind && standsForFiles(live);
  return isNote && live.metadata.labels?.[labels.modelUid] === uid;
}
