/** metav1.Condition. */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  observedGeneration?: number | undefined;
  /** RFC 3339, whole seconds. */
  lastTransitionTime: string;
  reason: string;
  message: string;
}

/**
 * The conditions with `next` in the place of the one of its type, or at the end. lastTransitionTime is `now` when
 * the status is new or differs, and stays as it was when only reason, message or observedGeneration differ.
 */
export function setCondition(
  conditions: readonly Condition[] | undefined,
  next: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): Condition[] {
  const current = conditions?.find((condition) => condition.type === next.type);
  const lastTransitionTime = current?.status === next.status ? current.lastTransitionTime : formatTime(now);
  const condition = { ...next, lastTransitionTime };
  return current === undefined
    ? [...(conditions ?? []), condition]
    : (conditions ?? []).map((each) => (each === current ? condition : each));
}

export function findCondition<C extends { type: string }>(
  conditions: readonly C[] | undefined,
  type: string,
): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** metav1.Time: RFC 3339 in whole seconds. */
export function formatTime(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
