import { describe, expect, it } from 'vitest';
import { findCondition, setCondition } from './conditions.ts';
import type { Condition } from './conditions.ts';

const earlier = '2026-01-01T00:00:00Z';
const now = new Date('2026-01-02T03:04:05.678Z');
const ready: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'Pulling',
  message: '1 of 2',
  observedGeneration: 1,
  lastTransitionTime: earlier,
};
const stalled: Condition = { ...ready, type: 'Stalled' };

describe('setCondition', () => {
  it('adds a new condition with the present time in whole seconds', () => {
    const next = { type: 'Ready', status: 'True', reason: 'Succeeded', message: '' } as const;
    expect(setCondition(undefined, next, now)).toEqual([
      { ...next, lastTransitionTime: '2026-01-02T03:04:05Z' },
    ]);
  });

  it('keeps the time when only reason, message and generation differ', () => {
    const next = { ...ready, reason: 'Verifying', message: '2 of 2', observedGeneration: 2 };
    expect(setCondition([stalled, ready], next, now)).toEqual([
      stalled,
      { ...next, lastTransitionTime: earlier },
    ]);
  });

  it('takes the present time when the status differs, and leaves its input alone', () => {
    const before = [ready, stalled];
    const [first, second] = setCondition(before, { ...ready, status: 'True' }, now);
    expect(first).toMatchObject({ status: 'True', lastTransitionTime: '2026-01-02T03:04:05Z' });
    expect(second).toBe(stalled);
    expect(before[0]?.status).toBe('False');
  });
});

describe('findCondition', () => {
  it('finds by type', () => {
    expect(findCondition([ready, stalled], 'Stalled')).toBe(stalled);
    expect(findCondition(undefined, 'Ready')).toBeUndefined();
  });
});
