import type { Reason } from '../../../api/reasons.ts';
import type { PersistentVolumeClaim, StorageClass } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import { allowsExpansion } from '../../../kube/storage-class.ts';
import { reasonOfRefusal } from '../../refusal.ts';
import { condense } from '../../text.ts';

type Claim = Live<PersistentVolumeClaim>;

/** What is to be done about a claim that is smaller than is wanted. */
export type Growth =
  /** Nothing: it is large enough, or its volume is only coming. */
  | { at: 'enough' }
  /** It has no volume, so nothing is on it, and what it asks for cannot be changed. */
  | { at: 'made again' }
  /** It can ask for more. The API server has the last word, and where the classes may not be looked at the only one. */
  | { at: 'expanded' }
  | { at: 'refused'; reason: Extract<Reason, 'ExpansionNotSupported' | 'QuotaExceeded'>; why: string };

/**
 * How a claim gets to the wanted size, a quantity. A claim never shrinks: a larger one is enough. `refusal`: what the API
 * server said when it was asked.
 */
export function growthOf(
  claim: Claim,
  wanted: string,
  classes: readonly Live<StorageClass>[] | undefined,
  refusal?: string,
): Growth {
  const { spec, status } = claim;
  const asks = spec?.resources?.requests?.['storage'];
  if (asks === undefined || parseQuantity(asks) >= parseQuantity(wanted)) return { at: 'enough' };
  if (status?.phase !== 'Bound') return { at: spec?.volumeName === undefined ? 'made again' : 'enough' };
  if (refusal !== undefined) {
    const reason = reasonOfRefusal(refusal) === 'QuotaExceeded' ? 'QuotaExceeded' : 'ExpansionNotSupported';
    return { at: 'refused', reason, why: condense(refusal) };
  }
  const unsupported = (why: string): Growth => ({ at: 'refused', reason: 'ExpansionNotSupported', why });
  const { storageClassName = '' } = spec ?? {};
  if (storageClassName === '') return unsupported('its volume has no StorageClass');
  if (classes === undefined) return { at: 'expanded' };
  const its = classes.find(({ metadata }) => metadata.name === storageClassName);
  if (!its) return unsupported(`its StorageClass ${storageClassName} does not exist`);
  if (allowsExpansion(its)) return { at: 'expanded' };
  return unsupported(`its StorageClass ${storageClassName} does not allow it (allowVolumeExpansion)`);
}

/** The bytes that a claim has, as far as it is known: before it is bound those that it asks for. */
export function capacityOf({ spec, status }: Claim): number {
  return parseQuantity(status?.capacity?.['storage'] ?? spec?.resources?.requests?.['storage'] ?? '0');
}

/**
 * Where the expansion of a claim stands, as the end of a sentence about it; undefined when there is none. A file system
 * that only grows when a pod mounts it is for the next pod, and `mayMount` is true.
 */
export function expansionOf(claim: Claim): { told: string; mayMount: boolean } | undefined {
  const { spec, status } = claim;
  const asks = spec?.resources?.requests?.['storage'];
  const has = status?.capacity?.['storage'];
  if (status?.phase !== 'Bound' || asks === undefined || has === undefined) return undefined;
  if (parseQuantity(has) >= parseQuantity(asks)) return undefined;
  const said = (type: string) =>
    status.conditions?.find((condition) => condition.type === type && condition.status === 'True');
  const failed = said('ControllerResizeError') ?? said('NodeResizeError');
  if (failed) {
    const why = failed.message ?? failed.reason ?? 'no reason given';
    return { told: `could not be enlarged from ${has} to ${asks} yet: ${why}`, mayMount: false };
  }
  if (said('FileSystemResizePending')) {
    return { told: `is enlarged from ${has} to ${asks} when a pod mounts it next`, mayMount: true };
  }
  return { told: `is being enlarged from ${has} to ${asks}`, mayMount: false };
}
