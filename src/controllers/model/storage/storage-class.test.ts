import { describe, expect, it } from 'vitest';
import { aClaim, aStorageClass } from '../../testing/objects.ts';
import { bindsToPod, missingClass, waitsFor } from './storage-class.ts';

const slow = aStorageClass('slow');
const standard = aStorageClass('standard', { isDefault: true });
const claimOf = (storageClassName?: string, more: object = {}) =>
  aClaim('claim', { status: { phase: 'Pending' }, spec: { storageClassName, ...more } });

describe('missingClass', () => {
  it('names the class, those that are there and what to do', () => {
    expect(missingClass(claimOf('fast'), [standard, slow])).toBe(
      'Claim claim is for StorageClass fast, which does not exist: the cluster has slow, standard (kubectl get storageclass). Create it, or name another in spec.storage.storageClassName.',
    );
  });

  it('says that there is no default class', () => {
    expect(missingClass(claimOf(), [slow])).toBe(
      'Claim claim names no StorageClass, and none is the default one: the cluster has slow (kubectl get storageclass). Make one the default, or name one in spec.storage.storageClassName.',
    );
    expect(missingClass(claimOf(), [])).toContain('the cluster has none (');
  });

  it('says where another can be named', () => {
    expect(missingClass(claimOf('fast'), [slow], 'a new claim')).toMatch(/name another in a new claim\.$/);
    expect(missingClass(claimOf(), [slow], 'a new claim')).toMatch(/name one in a new claim\.$/);
  });

  it('names ten classes at most', () => {
    const many = Array.from({ length: 12 }, (_, i) => aStorageClass(`class-${i + 10}`));
    expect(missingClass(claimOf('fast'), many)).toMatch(/class-10, .*class-19 and 2 more \(/);
  });

  it.for([
    ['its class is there', claimOf('slow'), [slow]],
    ['it gets the default class', claimOf(), [slow, standard]],
    ['it wants a volume without a class', claimOf(''), []],
    ['it is bound', aClaim('claim', { status: { phase: 'Bound' }, spec: { storageClassName: 'fast' } }), []],
    ['it is being bound', claimOf('fast', { volumeName: 'pv-1' }), []],
  ] as const)('has nothing to say when %s', ([, claim, classes]) => {
    expect(missingClass(claim, classes)).toBeUndefined();
  });
});

it('a claim binds to its first pod when its class says so', () => {
  const classes = [aStorageClass('slow', { volumeBindingMode: 'WaitForFirstConsumer' }), standard];
  expect(['slow', 'standard', 'fast', undefined].map((name) => bindsToPod(claimOf(name), classes))).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

describe('what a claim waits for', () => {
  const of = (volumeBindingMode: string) => [aStorageClass('slow', { volumeBindingMode })];

  it.for([
    ['slow', of('Immediate'), 'waits for the provisioner of StorageClass slow'],
    ['slow', of('WaitForFirstConsumer'), "binds when the puller's pod is scheduled"],
    ['fast', of('Immediate'), "binds when the puller's pod is scheduled"],
    [undefined, of('Immediate'), "binds when the puller's pod is scheduled"],
    ['', of('Immediate'), 'waits for a volume without a StorageClass'],
  ] as const)('of class %s', ([className, classes, words]) => {
    expect(waitsFor(claimOf(className), classes)).toBe(words);
  });
});
