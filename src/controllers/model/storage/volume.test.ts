import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withHash } from '../../../kube/apply.ts';
import type { PersistentVolumeClaim } from '../../../kube/builtin.ts';
import { parseQuantity } from '../../../kube/quantity.ts';
import { appliedAnnotation } from '../../labels.ts';
import {
  aClaim,
  aModel,
  anArtifact,
  aRetainedClaim,
  aStorageClass,
  aView,
  commit,
  secondsAgo,
} from '../../testing/objects.ts';
import { claimName } from './claim.ts';
import { contentOf } from '../source/content.ts';
import { noteFor } from '../collect/note.ts';
import type { ModelView } from '../view.ts';
import { followReclaimPolicy, measuredSize, provideVolume } from './volume.ts';

const resolved = {
  source: 'hf:owner/name@main',
  request: '0123456789abcdef',
  revision: commit,
  sizeBytes: 4_700_000_000,
  size: '4.7GB',
  fileCount: 1,
};
const name = claimName(aModel(), resolved);
const content = contentOf(aModel(), resolved);
const live = aClaim(name);
const uid = live.metadata.uid;
const retaining = aModel({ storage: { reclaimPolicy: 'Retain' } });
/** A claim that asks for so much. */
const ofSize = (storage: string) => ({
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } },
});
/** One for what is resolved, made for the Model, which asks for so much and has a volume of so much. */
const ofModel = (more: Partial<PersistentVolumeClaim> = {}, metadata: object = {}) =>
  aClaim(name, { ...more, metadata: { labels: { 'longshore.dev/content': content }, ...metadata } });
const boundTo = (asks: string, has = asks, more: Partial<PersistentVolumeClaim['status']> = {}) =>
  ofModel({
    spec: { ...ofSize(asks).spec, storageClassName: 'fast', volumeName: 'pv-1' },
    status: { phase: 'Bound', capacity: { storage: has }, ...more },
  });

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

describe('followReclaimPolicy', () => {
  const spec = { ...ofSize('7Gi').spec, accessModes: ['ReadWriteMany'], storageClassName: 'fast' };
  const owned = aClaim('owned', { spec, metadata: { labels: { 'longshore.dev/content': 'published' } } });
  const own = aRetainedClaim('kept', { content: 'published', modelUid: 'uid-of-qwen' }, { spec });
  const storage = { claimName: 'owned', claimUid: 'uid-of-owned', size: '7Gi' };

  it('sets up a claim for the policy and changes nothing else of it, whatever revision it holds', () => {
    const { at, apply } = followReclaimPolicy(aView({ model: retaining, claims: [owned] }), {});
    expect(at).toBe('done');
    expect(apply).toHaveLength(1);
    expect(apply?.[0]?.object).toMatchObject({
      metadata: {
        name: 'owned',
        labels: { 'longshore.dev/reclaim-policy': 'Retain', 'longshore.dev/content': 'published' },
      },
      spec,
    });
    expect(apply?.[0]?.object.metadata.ownerReferences).toBeUndefined();
    const back = followReclaimPolicy(aView({ claims: [own] }), {}).apply;
    expect(back?.[0]?.object.metadata.ownerReferences).toMatchObject([{ uid: 'uid-of-qwen' }]);
  });

  it('has nothing to do for claims that are set up so, that end, or that a deleted Model left', () => {
    const left = aRetainedClaim('left', { content });
    const ending = { ...own, metadata: { ...own.metadata, deletionTimestamp: '2030-01-01T00:00:00Z' } };
    expect(followReclaimPolicy(aView({ claims: [owned, left, ending] }), {}).apply).toEqual([]);
    expect(followReclaimPolicy(aView({ model: retaining, claims: [own, left] }), {}).apply).toEqual([]);
  });

  it('has claims of other revisions follow the labels of the spec; the current one is seen to elsewhere', () => {
    const model = aModel({ storage: { labels: { team: 'search' } } });
    const current = { ...storage, claimUid: 'uid-of-current' };
    const claims = [owned, aClaim('current', { spec })];
    const { apply } = followReclaimPolicy(aView({ model, claims }), { storage: current });
    expect(apply?.map(({ object }) => object.metadata)).toMatchObject([
      { name: 'owned', labels: { team: 'search' } },
    ]);
  });

  it('forgets what the Model has on claims of others, which is then nobody’s to remove', () => {
    const claim = { name: 'shared', uid: 'uid-of-shared' };
    const { metadata } = noteFor(aModel(), { claim, image: 'puller:1', defaults: {} });
    const notes = [{ metadata: { ...metadata, uid: 'note', resourceVersion: '1' } }];
    const names = (model: ReturnType<typeof aModel>) =>
      followReclaimPolicy(aView({ model, notes }), {}).remove?.map(({ object }) => object.metadata.name);
    expect(names(retaining)).toEqual([metadata.name]);
    expect(names(aModel())).toEqual([]);
  });

  it('says in the status what the claim is set up for, and not what it is going to be', () => {
    const said = (view: Parameters<typeof aView>[0]) => followReclaimPolicy(aView(view), { storage }).status;
    expect(said({ model: retaining, claims: [owned] })).toEqual({
      storage: { ...storage, reclaimPolicy: 'Delete' },
    });
    expect(said({ model: retaining, claims: [] })).toBeUndefined();
  });
});
