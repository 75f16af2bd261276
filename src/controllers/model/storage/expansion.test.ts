import { describe, expect, it } from 'vitest';
import type { PersistentVolumeClaim } from '../../../kube/builtin.ts';
import { aClaim, aStorageClass } from '../../testing/objects.ts';
import { capacityOf, expansionOf, growthOf } from './expansion.ts';

type Status = NonNullable<PersistentVolumeClaim['status']>;

function claim(
  asks: string,
  status: Status = { phase: 'Bound' },
  more: object = { storageClassName: 'fast' },
) {
  return aClaim('c', { spec: { resources: { requests: { storage: asks } }, ...more }, status });
}
const classes = [aStorageClass('fast', { allowVolumeExpansion: true }), aStorageClass('fixed')];

describe('growthOf', () => {
  it.for([
    ['is as large', claim('10240Mi'), { at: 'enough' }],
    ['is larger', claim('20Gi'), { at: 'enough' }],
    ['has no volume', claim('5Gi', { phase: 'Pending' }), { at: 'made again' }],
    ['is about to get one', claim('5Gi', { phase: 'Pending' }, { volumeName: 'pv' }), { at: 'enough' }],
    ['is of a class that allows it', claim('5Gi'), { at: 'expanded' }],
    [
      'is of one that does not',
      claim('5Gi', undefined, { storageClassName: 'fixed' }),
      {
        at: 'refused',
        reason: 'ExpansionNotSupported',
        why: 'its StorageClass fixed does not allow it (allowVolumeExpansion)',
      },
    ],
    [
      'is of one that is gone',
      claim('5Gi', undefined, { storageClassName: 'gone' }),
      { at: 'refused', reason: 'ExpansionNotSupported', why: 'its StorageClass gone does not exist' },
    ],
    [
      'is of none',
      claim('5Gi', undefined, { storageClassName: '' }),
      { at: 'refused', reason: 'ExpansionNotSupported', why: 'its volume has no StorageClass' },
    ],
  ] as const)('to 10Gi of a claim that %s', ([, live, expected]) => {
    expect(growthOf(live, '10Gi', classes)).toEqual(expected);
  });

  it('is left to the API server where the classes may not be looked at', () => {
    expect(growthOf(claim('5Gi'), '10Gi', undefined)).toEqual({ at: 'expanded' });
  });

  it.for([
    ['only dynamically provisioned pvc can be resized', 'ExpansionNotSupported'],
    ['exceeded quota: storage', 'QuotaExceeded'],
  ] as const)('is refused in the words of the API server, whatever its class: %s', ([why, reason]) => {
    expect(growthOf(claim('5Gi'), '10Gi', classes, why)).toEqual({ at: 'refused', reason, why });
    expect(growthOf(claim('5Gi'), '10Gi', undefined, why)).toEqual({ at: 'refused', reason, why });
  });
});

describe('capacityOf', () => {
  it('is what the volume has, and before there is one what is asked for', () => {
    expect(capacityOf(claim('5Gi', { phase: 'Bound', capacity: { storage: '6Gi' } }))).toBe(6 * 2 ** 30);
    expect(capacityOf(claim('5Gi', { phase: 'Pending' }))).toBe(5 * 2 ** 30);
  });
});

describe('expansionOf', () => {
  const growing = (...types: string[]) =>
    expansionOf(
      claim('10Gi', {
        phase: 'Bound',
        capacity: { storage: '5Gi' },
        conditions: types.map((type) => ({ type, status: 'True', message: 'The disk is gone.' })),
      }),
    );

  it('is none where the volume has what is asked for, or there is none', () => {
    expect(expansionOf(claim('5Gi', { phase: 'Bound', capacity: { storage: '5120Mi' } }))).toBeUndefined();
    expect(expansionOf(claim('5Gi', { phase: 'Pending' }))).toBeUndefined();
  });

  it.for([
    [[], 'is being enlarged from 5Gi to 10Gi', false],
    [['Resizing'], 'is being enlarged from 5Gi to 10Gi', false],
    [['FileSystemResizePending'], 'is enlarged from 5Gi to 10Gi when a pod mounts it next', true],
    [
      ['Resizing', 'ControllerResizeError'],
      'could not be enlarged from 5Gi to 10Gi yet: The disk is gone.',
      false,
    ],
    [
      ['NodeResizeError', 'FileSystemResizePending'],
      'could not be enlarged from 5Gi to 10Gi yet: The disk is gone.',
      false,
    ],
  ] as const)('with the conditions %j %s', ([types, told, mayMount]) => {
    expect(growing(...types)).toEqual({ told, mayMount });
  });
});
