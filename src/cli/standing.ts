import { findCondition, type Condition } from '../kube/conditions.ts';
import type { KubeObject, Live } from '../kube/kind.ts';

interface WithConditions extends KubeObject {
  status?: { observedGeneration?: number | undefined; conditions?: Condition[] | undefined } | undefined;
}

export type Standing =
  | { at: 'ready'; condition: Condition }
  | { at: 'underway' | 'stuck' | 'held'; condition: Condition | undefined };

/** How an object of ours stands, in the sense of kstatus; what is told of an older spec is not looked at. */
export function standingOf({ metadata, status }: Live<WithConditions>): Standing {
  const condition = findCondition(status?.conditions, 'Ready');
  if (status?.observedGeneration !== metadata.generation || !condition)
    return { at: 'underway', condition: undefined };
  if (condition.status === 'True') return { at: 'ready', condition };
  const holds = (type: string): boolean => findCondition(status?.conditions, type)?.status === 'True';
  if (holds('Stalled')) return { at: 'stuck', condition };
  return { at: holds('Reconciling') ? 'underway' : 'held', condition };
}
