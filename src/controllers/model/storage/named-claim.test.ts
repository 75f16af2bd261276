import { describe, expect, it } from 'vitest';
import { aClaim, aModel, anArtifact, aStorageClass, aView, now, secondsAgo } from '../../testing/objects.ts';
import { useNamedClaim } from './named-claim.ts';
import { noteFor } from '../collect/note.ts';
import type { ModelView } from '../view.ts';

const onShared = aModel({ storage: { claimName: 'shared' } });
const fromVolume = aModel({ source: { volume: { claimName: 'shared', path: 'models/qwen' } } });

type ClaimChoices = Parameters<typeof aClaim>[1];
/** A claim that people made. */
const aSharedClaim = ({ metadata, spec, status }: NonNullable<ClaimChoices> = {}) =>
  aClaim('shared', {
    metadata: { ownerReferences: [], ...metadata },
    spec: {
      accessModes: ['ReadWriteMany'],
      volumeName: 'pv-1',
      resources: { requests: { storage: '900Gi' } },
      ...spec,
    },
    status: { phase: 'Bound', capacity: { storage: '1Ti' }, ...status },
  });
const shared = aSharedClaim();
const { uid } = shared.metadata;

function on(claim: ReturnType<typeof aSharedClaim> | undefined, more: Partial<ModelView> = {}) {
  return useNamedClaim(aView({ model: onShared, otherClaims: claim ? [claim] : [], ...more }), {});
}
const unbound = (storageClassName?: string, more: object = {}) =>
  aSharedClaim({
    spec: { volumeName: undefined, storageClassName },
    status: { phase: 'Pending', capacity: undefined },
    ...more,
  });

describe('a claim that the spec names', () => {
  it('is used as it is, and a note of what comes onto it is made first', () => {
    const outcome = on(shared);
    expect(outcome).toMatchObject({
      at: 'done',
      message: 'Claim shared is bound to pv-1.',
      status: { storage: { claimName: 'shared', claimUid: uid, size: '1Ti', reclaimPolicy: 'Retain' } },
    });
    expect(outcome.apply?.map(({ kind, object }) => `${kind.kind} ${object.metadata.name}`)).toEqual([
      expect.stringMatching(/^Job qwen-collect-[0-9a-f]{8}-0$/),
    ]);
    expect(outcome.remove).toBeUndefined();
  });

  it('is said to have its files removed with the Model once there is a note', () => {
    const note = noteFor(onShared, { claim: { name: 'shared', uid }, image: 'puller:1', defaults: {} });
    const live = { ...note, metadata: { ...note.metadata, uid: 'u', resourceVersion: '1' } };
    expect(on(shared, { notes: [live] }).status?.storage?.reclaimPolicy).toBe('Delete');
  });

  it('gets no note where its files are to be retained, or are the source', () => {
    const retaining = aModel({ storage: { claimName: 'shared', reclaimPolicy: 'Retain' } });
    for (const model of [retaining, fromVolume]) {
      const outcome = on(shared, { model });
      expect(outcome.at).toBe('done');
      expect(outcome.apply).toBeUndefined();
      expect(outcome.status?.storage?.reclaimPolicy).toBe('Retain');
    }
  });

  it.for([
    ['is not there', undefined, 'ClaimNotFound', 'Create it, or correct spec.storage.claimName.'],
    [
      'is being deleted',
      aSharedClaim({ metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } }),
      'ClaimTerminating',
      'goes when no pod uses it',
    ],
    ['has lost its volume', aSharedClaim({ status: { phase: 'Lost' } }), 'VolumeLost', 'pv-1'],
    [
      'is another Model’s',
      aSharedClaim({
        metadata: {
          labels: { 'app.kubernetes.io/managed-by': 'longshore', 'longshore.dev/model': 'llama' },
        },
      }),
      'ClaimOfModel',
      'was made for Model "llama"',
    ],
    [
      'cannot be written to',
      aSharedClaim({ spec: { accessModes: ['ReadOnlyMany'] } }),
      'VolumeReadOnly',
      'spec.source.volume',
    ],
    [
      'is bound to a volume that cannot be written to',
      aSharedClaim({ status: { accessModes: ['ReadOnlyMany'] } }),
      'VolumeReadOnly',
      'ReadOnlyMany',
    ],
  ] as const)('blocks when it %s', ([, claim, reason, words]) => {
    const outcome = on(claim);
    expect(outcome).toMatchObject({ at: 'blocked', reason });
    expect(outcome.message).toContain(words);
    expect(outcome.apply).toBeUndefined();
  });

  it('may be one that cannot be written to when it is the source', () => {
    const readOnly = aSharedClaim({ spec: { accessModes: ['ReadOnlyMany'] } });
    expect(on(readOnly, { model: fromVolume }).at).toBe('done');
    expect(on(undefined, { model: fromVolume }).message).toContain('spec.source.volume.claimName');
  });

  it('takes nothing else of that name for it', () => {
    const other = aClaim('other', { metadata: { ownerReferences: [] } });
    expect(on(undefined, { otherClaims: [other] })).toMatchObject({ reason: 'ClaimNotFound' });
  });
});

describe('a claim without a volume that the spec names', () => {
  const classes = [
    aStorageClass('now', { volumeBindingMode: 'Immediate' }),
    aStorageClass('later', { volumeBindingMode: 'WaitForFirstConsumer' }),
  ];

  it('is one to go on with where the first pod brings it its volume, or nobody can tell', () => {
    expect(on(unbound('later'), { storageClasses: classes }).at).toBe('done');
    expect(on(unbound('now')).at).toBe('done');
  });

  it.for(['now', ''])('is waited for where a pod changes nothing: class "%s"', (name) => {
    const outcome = on(unbound(name), { storageClasses: classes });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'WaitingForVolume' });
  });

  it('blocks when its class does not exist, a moment after it was made', () => {
    const fresh = unbound('fast', { metadata: { creationTimestamp: secondsAgo(1), ownerReferences: [] } });
    expect(on(fresh, { storageClasses: classes, now })).toMatchObject({
      at: 'waiting',
      reason: 'WaitingForVolume',
      recheckAfter: 4,
    });
    const old = unbound('fast', { metadata: { creationTimestamp: secondsAgo(6), ownerReferences: [] } });
    const outcome = on(old, { storageClasses: classes, now });
    expect(outcome).toMatchObject({ at: 'blocked', reason: 'StorageClassNotFound' });
    expect(outcome.message).toContain('name another in a claim that you make again.');
  });
});

describe('what was published before', () => {
  const artifact = anArtifact({ claimName: 'shared', claimUid: uid });
  const storage = { claimName: 'shared', claimUid: uid, size: '1Ti', replaced: ['sha256:old'] };
  const after = (claims: ReturnType<typeof aSharedClaim>[], was: object) =>
    useNamedClaim(aView({ model: onShared, otherClaims: claims }), was).status;

  it('is kept for as long as its claim is there, in whatever state', () => {
    const ending = aSharedClaim({ metadata: { deletionTimestamp: '2030-01-01T00:00:00Z' } });
    for (const claim of [shared, ending]) {
      expect(after([claim], { artifact, storage })).not.toHaveProperty('artifact');
    }
  });

  it('is forgotten with its claim, also when another has its name', () => {
    expect(after([], { artifact, storage })).toEqual({
      artifact: undefined,
      storage: undefined,
      progress: undefined,
    });
    const another = aSharedClaim({ metadata: { uid: 'another' } });
    const status = after([another], { artifact, storage });
    expect(status).toMatchObject({ artifact: undefined, progress: undefined });
    expect(status?.storage).not.toHaveProperty('replaced');
  });

  it('is still known by the digests that are to be collected', () => {
    expect(after([shared], { artifact, storage })?.storage?.replaced).toEqual(['sha256:old']);
  });
});
