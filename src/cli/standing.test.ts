import { describe, expect, it } from 'vitest';
import { aModel } from '../controllers/testing/objects.ts';
import type { Model } from '../api/model.ts';
import { standingOf } from './standing.ts';

const ready = (status: string, more: object[] = []) =>
  aModel({}, {
    observedGeneration: 1,
    conditions: [{ type: 'Ready', status, reason: 'R', message: 'm', lastTransitionTime: '' }, ...more],
  } as Model['status']);
const also = (type: string) => ({ type, status: 'True', reason: 'R', message: 'm', lastTransitionTime: '' });

describe('standingOf', () => {
  it.for([
    ['ready', ready('True')],
    ['stuck', ready('False', [also('Stalled')])],
    ['underway', ready('False', [also('Reconciling')])],
    ['held', ready('False')],
    ['underway', aModel()],
  ] as const)('is %s', ([at, model]) => {
    expect(standingOf(model).at).toBe(at);
  });

  it('goes by nothing that was said of an older spec', () => {
    const { metadata, ...rest } = ready('True');
    const edited = { ...rest, metadata: { ...metadata, generation: 2 } };
    expect(standingOf(edited)).toEqual({ at: 'underway', condition: undefined });
  });
});
