import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withHash } from '../../../kube/apply.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import { appliedAnnotation } from '../../labels.ts';
import { boundTo, content, name, ofModel, ofSize, resolved } from '../../testing/claims.ts';
import {
  aClaim,
  aModel,
  anArtifact,
  aRetainedClaim,
  aStorageClass,
  aView,
  secondsAgo,
} from '../../testing/objects.ts';
import { measuredSize, provideVolume } from './volume.ts';

const live = aClaim(name);
const { uid } = live.metadata;
const retaining = aModel({ storage: { reclaimPolicy: 'Retain' } });

describe('measuredSize', () => {
  it.for([
    [0, '256Mi'],
    [1, '257Mi'],
    [1_000_000_000, '1306Mi'],
    [4_700_000_000, '5187Mi'],
  ] as const)('for %d bytes is %s', ([bytes, size]) => {
    expect(measuredSize(bytes)).toBe(size);
  });

  it('always leaves a tenth and a journal', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        expect(parseQuantity(measuredSize(bytes))).toBeGreaterThanOrEqual(bytes * 1.1 + 2 ** 28);
      }),
    );
  });
});

describe('provideVolume', () => {
  it('makes a claim of the measured size when there is none', () => {
    const outcome = provideVolume(aView(), { resolved });
    expect(outcome).toMatchObject({
      at: 'waiting',
      reason: 'WaitingForVolume',
      status: { storage: { claimName: name, size: '5187Mi' } },
    });
    expect(outcome.apply?.[0]?.object).toMatchObject({
      spec: { resources: { requests: { storage: '5187Mi' } } },
    });
  });

  it('asks for what the spec says', () => {
    const storage = { storageClassName: 'fast', accessModes: ['ReadWriteMany'], size: '6Gi' };
    const { apply } = provideVolume(aView({ model: aModel({ storage }) }), { resolved });
    expect(apply?.[0]?.object).toMatchObject({
      metadata: { labels: { 'longshore.dev/content': content } },
      spec: {
        accessModes: ['ReadWriteMany'],
        storageClassName: 'fast',
        resources: { requests: { storage: '6Gi' } },
      },
    });
  });

  it.for([
    ['4Gi', 'blocked'],
    ['4699999999', 'blocked'],
    ['4700000000', 'waiting'],
    ['4700M', 'waiting'],
    ['20Gi', 'waiting'],
  ] as const)('with a spec.storage.size of %s is %s', ([size, at]) => {
    const outcome = provideVolume(aView({ model: aModel({ storage: { size } }) }), { resolved });
    expect(outcome.at).toBe(at);
    expect(outcome.apply?.length ?? 0).toBe(at === 'blocked' ? 0 : 1);
  });

  it('has room for archives until they are unpacked', () => {
    const packed = { ...resolved, spaceBytes: 2 * resolved.sizeBytes };
    const made = provideVolume(aView({ model: aModel() }), { resolved: packed });
    expect(made).toMatchObject({ status: { storage: { size: measuredSize(packed.spaceBytes) } } });
    const storage = { size: '5Gi' };
    expect(provideVolume(aView({ model: aModel({ storage }) }), { resolved: packed })).toMatchObject({
      at: 'blocked',
      reason: 'InsufficientStorage',
      message: `spec.storage.size is 5Gi and the files take 9.4GB (9400000000 bytes): set at least ${measuredSize(packed.spaceBytes)}, or leave it out.`,
    });
  });

  it('is done as soon as the claim is there: many classes bind it to the first pod', () => {
    expect(provideVolume(aView({ claims: [live] }), { resolved })).toMatchObject({
      at: 'done',
      status: { storage: { claimName: name, claimUid: uid, reclaimPolicy: 'Delete' } },
    });
    const bound = aClaim(name, { spec: { volumeName: 'pv-1' }, status: { phase: 'Bound' } });
    const outcome = provideVolume(aView({ claims: [bound] }), { resolved });
    expect(outcome).toMatchObject({ at: 'done', message: `Claim ${name} is bound to pv-1.` });
  });

  it('waits for the end of a claim that is being deleted', () => {
    const ending = aClaim(name, { metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } });
    const outcome = provideVolume(aView({ claims: [ending] }), { resolved });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'WaitingForVolume' });
    expect(outcome.apply).toBeUndefined();
  });

  it('is blocked by a claim whose volume is gone', () => {
    const lost = aClaim(name, { spec: { volumeName: 'pv-1' }, status: { phase: 'Lost' } });
    expect(provideVolume(aView({ claims: [lost] }), { resolved })).toMatchObject({
      at: 'blocked',
      reason: 'VolumeLost',
    });
  });

  it('notes on the claim what was verified there, where earlier revisions are kept', () => {
    const published = { ...anArtifact({ claimName: name, claimUid: uid }), publishedAt: secondsAgo(60) };
    const noted = (keepRevisions: number) => {
      const view = aView({ model: aModel({ update: { keepRevisions } }), claims: [live] });
      const { apply } = provideVolume(view, { resolved, history: [published] });
      return apply?.[0]?.object.metadata.annotations?.['longshore.dev/published'];
    };
    expect(JSON.parse(noted(2) ?? '')).toEqual({
      revision: published.revision,
      digest: published.digest,
      sizeBytes: published.sizeBytes,
      publishedAt: published.publishedAt,
    });
    expect(noted(1)).toBeUndefined();
  });

  it('tells the facts of what is resolved when what was published is gone', () => {
    const gguf = { architecture: 'new' };
    const status = {
      resolved: { ...resolved, gguf },
      gguf: { architecture: 'old' },
      memory: { weightsBytes: 1 },
    };
    const outcome = provideVolume(aView({ claims: [live] }), { ...status, artifact: anArtifact() });
    expect(outcome.status).toMatchObject({ artifact: undefined, gguf, memory: undefined, resolved });
    expect(outcome.status?.resolved).not.toHaveProperty('gguf');
  });

  it('forgets what was published on a claim that is gone', () => {
    const artifact = anArtifact({ claimName: name });
    expect(provideVolume(aView(), { resolved, artifact }).status).toHaveProperty('artifact', undefined);
  });

  it('forgets it too when a claim of the same name is there by now, and what was downloaded', () => {
    const artifact = anArtifact({ claimName: name, claimUid: 'former' });
    const storage = { claimName: name, claimUid: 'former', size: '5187Mi' };
    const { status } = provideVolume(aView({ claims: [live] }), { resolved, artifact, storage });
    expect(status).toHaveProperty('artifact', undefined);
    expect(status).toHaveProperty('progress', undefined);
  });

  it('keeps what is published on this claim, or on the one of another revision', () => {
    const storage = { claimName: name, claimUid: uid, size: '5187Mi' };
    const claims = [live, aClaim('qwen-claim')];
    for (const artifact of [anArtifact({ claimName: name, claimUid: uid }), anArtifact()]) {
      const { status } = provideVolume(aView({ claims }), { resolved, artifact, storage });
      expect(status).not.toHaveProperty('artifact');
      expect(status).not.toHaveProperty('progress');
    }
  });

  it('forgets what was published on a claim that was taken over and is gone', () => {
    const { status } = provideVolume(aView({ claims: [live] }), { resolved, artifact: anArtifact() });
    expect(status).toHaveProperty('artifact', undefined);
  });

  it('takes over what a deleted Model of its name left, under its own policy', () => {
    const left = aRetainedClaim('left', { content }, ofSize('5187Mi'));
    for (const [model, owners] of [
      [aModel(), 1],
      [retaining, 0],
    ] as const) {
      const outcome = provideVolume(aView({ model, claims: [left] }), { resolved });
      expect(outcome).toMatchObject({
        at: 'done',
        status: { storage: { claimName: 'left', claimUid: 'uid-of-left', reclaimPolicy: 'Retain' } },
      });
      const { metadata } = outcome.apply![0]!.object;
      expect(metadata).toMatchObject({ name: 'left', labels: { 'longshore.dev/model-uid': 'uid-of-qwen' } });
      expect(metadata.ownerReferences?.length ?? 0).toBe(owners);
    }
  });

  it.for([
    ['20Gi', undefined, '20Gi'],
    ['20Gi', '10Gi', '20Gi'],
    ['5Gi', '10Gi', '10Gi'],
    ['5Gi', undefined, '5187Mi'],
    // Equal: what was sent stays, so that it need not be sent again.
    ['10Gi', '10240Mi', '10240Mi'],
  ] as const)(
    'enlarges a claim where its class allows it, and never shrinks one: of %s with a spec.storage.size of %s it asks %s',
    ([has, size, asks]) => {
      const storageClasses = [aStorageClass('fast', { allowVolumeExpansion: true })];
      const view = { model: aModel({ storage: { size } }), claims: [boundTo(has)], storageClasses };
      const outcome = provideVolume(aView(view), { resolved });
      expect(outcome.at).toBe('done');
      expect(outcome.apply?.[0]?.object).toMatchObject(ofSize(asks));
      expect(outcome.status).toMatchObject({ storage: { size: asks } });
    },
  );

  it('leaves the class to the API server when the claim was applied without one', () => {
    const applied = provideVolume(aView(), { resolved }).apply![0]!.object;
    const { annotations } = withHash(applied, appliedAnnotation).metadata!;
    const spec = { ...ofSize('5187Mi').spec, storageClassName: 'standard' };
    const claims = [ofModel({ spec }, { annotations: annotations! })];
    expect(provideVolume(aView({ claims }), { resolved }).apply?.[0]?.object).toEqual(applied);
  });

  it('does not take the class from a claim that was made with one', () => {
    const claims = [ofModel({ spec: { ...ofSize('6Gi').spec, storageClassName: 'fast' } })];
    expect(provideVolume(aView({ claims }), { resolved }).apply?.[0]?.object).toMatchObject({
      spec: { storageClassName: 'fast' },
    });
  });
});
