import { describe, expect, it } from 'vitest';
import { withHash } from '../../../kube/apply.ts';
import { appliedAnnotation } from '../../labels.ts';
import { name, ofModel, ofSize, resolved } from '../../testing/claims.ts';
import { aClaim, aModel, aStorageClass, aView, secondsAgo } from '../../testing/objects.ts';
import type { ModelView } from '../view.ts';
import { provideVolume } from './volume.ts';

const { uid } = aClaim(name).metadata;

describe('a claim whose StorageClass is not there', () => {
  const storageClasses = [aStorageClass('slow')];
  const ofClass = (storageClassName?: string, seconds = 60, phase = 'Pending') =>
    ofModel(
      {
        spec: { ...ofSize('5187Mi').spec, ...(storageClassName !== undefined && { storageClassName }) },
        status: { phase },
      },
      { creationTimestamp: secondsAgo(seconds) },
    );
  const asking = (storageClassName: string) => aModel({ storage: { storageClassName } });
  const provided = (view: Parameters<typeof aView>[0]) =>
    provideVolume(aView({ storageClasses, ...view }), { resolved });

  it.for([
    ['fast', asking('fast')],
    [undefined, aModel()],
  ] as const)('is blocked and stays applied: of class %s', ([className, model]) => {
    const outcome = provided({ model, claims: [ofClass(className)] });
    expect(outcome).toMatchObject({
      at: 'blocked',
      reason: 'StorageClassNotFound',
      status: { storage: { claimName: name, claimUid: uid } },
    });
    expect(outcome.message).toContain('slow');
    expect(outcome.apply?.map(({ object }) => object.metadata.name)).toEqual([name]);
    expect(outcome.remove).toEqual([]);
    expect(outcome).not.toHaveProperty('recheckAfter');
  });

  it('gets a moment first, in which a volume that is there is bound to it', () => {
    const outcome = provided({ model: asking('fast'), claims: [ofClass('fast', 2)] });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'WaitingForVolume', recheckAfter: 3 });
    expect(outcome.apply).toHaveLength(1);
    expect(provided({ model: asking('fast'), claims: [ofClass('fast', 5)] }).at).toBe('blocked');
  });

  it.for([
    ['is bound', { claims: [ofClass('fast', 60, 'Bound')] }],
    ['has its class by now', { storageClasses: [aStorageClass('fast')] }],
    ['cannot be told about', { storageClasses: undefined }],
  ] as const)('goes on when it %s', ([, view]) => {
    const { claims = [ofClass('fast')], ...rest } = { ...view } as Partial<ModelView>;
    expect(provided({ model: asking('fast'), claims, ...rest }).at).toBe('done');
  });

  it('goes on when another class became the default one, before and after Kubernetes has assigned that', () => {
    const standard = [...storageClasses, aStorageClass('standard', { isDefault: true })];
    const applied = provideVolume(aView(), { resolved }).apply![0]!.object;
    const { annotations } = withHash(applied, appliedAnnotation).metadata!;
    for (const assigned of [undefined, 'standard']) {
      const claim = ofClass(assigned);
      const claims = [{ ...claim, metadata: { ...claim.metadata, annotations } }];
      const outcome = provided({ storageClasses: standard, claims });
      expect(outcome.at).toBe('done');
      expect(outcome.apply?.[0]?.object).toEqual(applied);
    }
  });

  it.for(['fast', undefined])(
    'goes for another of the class that the spec names by now: of class %s',
    (has) => {
      const outcome = provided({ model: asking('slow'), claims: [ofClass(has)] });
      expect(outcome).toMatchObject({ at: 'waiting', reason: 'WaitingForVolume' });
      expect(outcome.remove?.map(({ object }) => object.metadata.name)).toEqual([name]);
      const [made] = outcome.apply ?? [];
      expect(made?.object).toMatchObject({ spec: { storageClassName: 'slow' } });
      expect(made?.object.metadata.name).not.toBe(name);
    },
  );

  it('stays for a spec that leaves the class out', () => {
    const left = provided({ claims: [ofClass('fast')] });
    expect(left).toMatchObject({ at: 'blocked', remove: [] });
    expect(left.apply?.[0]?.object).toMatchObject({ spec: { storageClassName: 'fast' } });
  });

  it('says what it waits for once its class is there', () => {
    const storageClasses = [aStorageClass('fast', { volumeBindingMode: 'Immediate' })];
    expect(provided({ model: asking('fast'), claims: [ofClass('fast')], storageClasses }).message).toBe(
      `Claim ${name} of 5187Mi, for 4.7GB, waits for the provisioner of StorageClass fast.`,
    );
  });
});
