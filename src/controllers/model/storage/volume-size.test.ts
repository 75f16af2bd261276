import { describe, expect, it } from 'vitest';
import { withHash } from '../../../kube/apply.ts';
import { appliedAnnotation } from '../../labels.ts';
import { boundTo, name, ofModel, ofSize, resolved } from '../../testing/claims.ts';
import { aClaim, aModel, anArtifact, aStorageClass, aView } from '../../testing/objects.ts';
import type { ModelView } from '../view.ts';
import { provideVolume } from './volume.ts';

const { uid } = aClaim(name).metadata;

describe('the size of a claim', () => {
  const growing = [aStorageClass('fast', { allowVolumeExpansion: true })];
  const fixed = [aStorageClass('fast')];
  const artifact = anArtifact({ claimName: name, claimUid: uid });
  const sized = (size: string | undefined, view: Partial<ModelView>, status: object = {}) =>
    provideVolume(aView({ model: aModel({ storage: { size } }), ...view }), { resolved, ...status });
  const told = (outcome: ReturnType<typeof sized>) => outcome.conditions?.[0];

  it('is told while it grows, and is in nobody’s way where the files fit in', () => {
    const outcome = sized('10Gi', { claims: [boundTo('10Gi', '5Gi')], storageClasses: growing });
    expect(outcome.at).toBe('done');
    expect(told(outcome)).toEqual({
      type: 'StorageReady',
      status: 'True',
      reason: 'Resizing',
      message: `Claim ${name} is being enlarged from 5Gi to 10Gi.`,
    });
  });

  it('is waited for where the files do not fit in, unless it is for the next pod to let it grow', () => {
    const conditions = [{ type: 'FileSystemResizePending', status: 'True' }];
    const waiting = sized(undefined, { claims: [boundTo('5187Mi', '1Gi')], storageClasses: growing });
    expect(waiting).toMatchObject({ at: 'waiting', reason: 'Resizing' });
    const pending = sized(undefined, {
      claims: [boundTo('5187Mi', '1Gi', { conditions })],
      storageClasses: growing,
    });
    expect(pending.at).toBe('done');
    expect(told(pending)?.message).toContain('when a pod mounts it next');
  });

  it('that is refused leaves the claim and what is published on it as they are, and says why', () => {
    const outcome = sized('10Gi', { claims: [boundTo('5Gi')], storageClasses: fixed }, { artifact });
    expect(outcome).toMatchObject({ at: 'done', status: { storage: { size: '5Gi' } } });
    expect(outcome.apply?.[0]?.object).toMatchObject(ofSize('5Gi'));
    expect(told(outcome)).toMatchObject({ status: 'True', reason: 'ExpansionNotSupported' });
    expect(told(outcome)?.message).toBe(
      `Claim ${name} of 5Gi cannot be enlarged to 10Gi: its StorageClass fast does not allow it (allowVolumeExpansion). Set allowVolumeExpansion in the StorageClass, or name another in spec.storage.storageClassName: the files are pulled onto a new volume then.`,
    );
  });

  it('that the API server refuses leaves all as it is, says why, and is waited for where the files do not fit in', () => {
    const { apply } = sized('10Gi', { claims: [boundTo('5Gi')], storageClasses: growing });
    expect(apply).toMatchObject([{ mayBeRefused: true, object: ofSize('10Gi') }]);

    const why = 'persistentvolumeclaims "x" is forbidden: exceeded quota: storage.';
    const growthRefusals = new Map([[name, why]]);
    const view = { storageClasses: growing, growthRefusals };
    const outcome = sized('10Gi', { claims: [boundTo('5Gi')], ...view }, { artifact });
    expect(outcome).toMatchObject({ at: 'done', status: { storage: { size: '5Gi' } } });
    expect(outcome.apply).toMatchObject([{ mayBeRefused: false, object: ofSize('5Gi') }]);
    expect(told(outcome)).toMatchObject({ status: 'True', reason: 'QuotaExceeded' });
    expect(told(outcome)?.message).toContain(
      `Claim ${name} of 5Gi cannot be enlarged to 10Gi: persistentvolumeclaims "x" is forbidden: exceeded quota: storage. Raise the quota`,
    );
    const tooSmall = sized(undefined, { claims: [boundTo('1Gi')], ...view });
    expect(tooSmall).toMatchObject({ at: 'waiting', reason: 'QuotaExceeded' });
  });

  it('that is refused is in the way where the files do not fit in, and not where they are there already', () => {
    const view = { claims: [boundTo('1Gi')], storageClasses: fixed };
    expect(sized(undefined, view)).toMatchObject({ at: 'blocked', reason: 'ExpansionNotSupported' });
    expect(sized(undefined, view, { artifact })).toMatchObject({ at: 'done' });
  });

  it('that is only less head-room than is usual is not told', () => {
    const outcome = sized(undefined, { claims: [boundTo('5Gi')], storageClasses: fixed });
    expect(outcome).toMatchObject({ at: 'done', message: `Claim ${name} is bound to pv-1.` });
    expect(told(outcome)).toBeUndefined();
  });

  it('is asked for only where there is a reason when the classes may not be looked at', () => {
    const asks = (size: string | undefined, has: string) =>
      sized(size, { claims: [boundTo(has)] }).status?.storage?.size;
    expect(asks(undefined, '5Gi')).toBe('5Gi');
    expect(asks('10Gi', '5Gi')).toBe('10Gi');
    expect(asks(undefined, '1Gi')).toBe('5187Mi');
  });

  it('of a claim without a volume is had by making it again, once', () => {
    const claim = ofModel({ ...ofSize('5Gi'), status: { phase: 'Pending' } });
    const outcome = sized('10Gi', { claims: [claim] });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'WaitingForVolume' });
    expect(outcome.remove?.map(({ object }) => object)).toEqual([claim]);
    // What is published on it is there, however old the news of the claim are.
    expect(sized('10Gi', { claims: [claim] }, { artifact })).toMatchObject({ at: 'done', remove: [] });
    // Somebody makes less of it: that would go on for ever.
    const model = aModel({ storage: { size: '10Gi' } });
    const sent = provideVolume(aView({ model }), { resolved }).apply![0]!.object;
    const { annotations } = withHash(sent, appliedAnnotation).metadata!;
    const less = { ...claim, metadata: { ...claim.metadata, annotations: annotations! } };
    expect(sized('10Gi', { claims: [less] })).toMatchObject({ at: 'done', remove: [] });
  });
});
