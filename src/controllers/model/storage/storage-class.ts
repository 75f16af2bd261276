import type { PersistentVolumeClaim, StorageClass } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { isDefaultClass } from '../../../kube/storage-class.ts';

type Claim = Live<PersistentVolumeClaim>;

/** A volume that was made by hand for a class that does not exist is bound to a new claim a moment later. */
export const secondsToBind = 5;

/** So many classes are named in a message at most. */
const mostNamed = 10;

/**
 * What keeps a claim from getting a volume made: it names a class that does not exist, or none where no class is the
 * default. Undefined when it lacks no class: it has a volume, wants one without a class (named ""), or is left to its
 * class. Such a claim may still bind, to a volume of its class that somebody makes by hand. `where` another can be named.
 */
export function missingClass(
  { metadata: { name }, spec, status }: Claim,
  classes: readonly Live<StorageClass>[],
  where = 'spec.storage.storageClassName',
): string | undefined {
  if (status?.phase === 'Bound' || spec?.volumeName !== undefined) return undefined;
  const wanted = spec?.storageClassName;
  if (wanted === '') return undefined;
  // Kubernetes gives the default class also to claims that were there before it.
  if (wanted === undefined ? classes.some(isDefaultClass) : classOf(wanted, classes)) return undefined;
  const there = `the cluster has ${classes.length === 0 ? 'none' : named(classes)} (kubectl get storageclass)`;
  return wanted === undefined
    ? `Claim ${name} names no StorageClass, and none is the default one: ${there}. Make one the default, or name one in ${where}.`
    : `Claim ${name} is for StorageClass ${wanted}, which does not exist: ${there}. Create it, or name another in ${where}.`;
}

/** What a claim that has no volume waits for, as the end of a sentence about it. */
export function waitsFor({ spec }: Claim, classes: readonly Live<StorageClass>[]): string {
  const wanted = spec?.storageClassName;
  if (wanted === '') return 'waits for a volume without a StorageClass';
  const { volumeBindingMode } = classOf(wanted, classes) ?? {};
  return volumeBindingMode === 'Immediate'
    ? `waits for the provisioner of StorageClass ${wanted}`
    : "binds when the puller's pod is scheduled";
}

/** Whether the first pod that mounts the claim brings it its volume. */
export function bindsToPod({ spec }: Claim, classes: readonly Live<StorageClass>[]): boolean {
  return classOf(spec?.storageClassName, classes)?.volumeBindingMode === 'WaitForFirstConsumer';
}

function classOf(
  wanted: string | undefined,
  classes: readonly Live<StorageClass>[],
): Live<StorageClass> | undefined {
  return classes.find(({ metadata }) => metadata.name === wanted);
}

function named(classes: readonly Live<StorageClass>[]): string {
  const names = classes.map(({ metadata }) => metadata.name).toSorted();
  const more = names.length - mostNamed;
  return names.slice(0, mostNamed).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
