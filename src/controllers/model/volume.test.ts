import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseQuantity } from '../../kube/quantity.ts';
import { aClaim, aModel, anArtifact, aView, commit } from '../testing/objects.ts';
import { claim, claimName, measuredSize, provideVolume } from './volume.ts';

const resolved = {
  source: 'hf:owner/name@main',
  request: '0123456789abcdef',
  revision: commit,
  sizeBytes: 4_700_000_000,
  size: '4.7GB',
  fileCount: 1,
};
const name = claimName(aModel(), resolved);
const live = aClaim(name);
const uid = live.metadata.uid;

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

describe('claimName', () => {
  it('is another for another commit, another source and another Model of the name, and a name in DNS', () => {
    const again = { ...aModel(), metadata: { ...aModel().metadata, uid: 'made-again' } };
    const files = aModel({ source: { huggingFace: { repo: 'owner/name', files: ['other.gguf'] } } });
    const names = [
      name,
      claimName(aModel(), { ...resolved, revision: 'f'.repeat(40) }),
      claimName(files, resolved),
      claimName(again, resolved),
    ];
    expect(new Set(names).size).toBe(4);
    for (const each of names) expect(each).toMatch(/^qwen-[0-9a-f]{8}$/);
  });

  it('stays when other credentials are used', () => {
    expect(claimName(aModel({ credentials: { secretName: 'new' } }), resolved)).toBe(name);
  });
});

describe('claim', () => {
  it('asks for what the spec says', () => {
    const storage = { storageClassName: 'fast', accessModes: ['ReadWriteMany'] };
    expect(claim(aModel({ storage }), 'c', '5Gi').spec).toEqual({
      accessModes: ['ReadWriteMany'],
      storageClassName: 'fast',
      resources: { requests: { storage: '5Gi' } },
    });
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

  it('is done as soon as the claim is there: many classes bind it to the first pod', () => {
    expect(provideVolume(aView({ claims: [live] }), { resolved })).toMatchObject({
      at: 'done',
      status: { storage: { claimName: name, claimUid: uid } },
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
    for (const artifact of [anArtifact({ claimName: name, claimUid: uid }), anArtifact()]) {
      const { status } = provideVolume(aView({ claims: [live] }), { resolved, artifact, storage });
      expect(status).not.toHaveProperty('artifact');
      expect(status).not.toHaveProperty('progress');
    }
  });
});
