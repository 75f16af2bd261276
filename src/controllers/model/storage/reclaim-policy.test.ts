import { describe, expect, it } from 'vitest';
import { content, ofSize } from '../../testing/claims.ts';
import { aClaim, aModel, aRetainedClaim, aView } from '../../testing/objects.ts';
import { noteFor } from '../collect/note.ts';
import { followReclaimPolicy } from './reclaim-policy.ts';

const retaining = aModel({ storage: { reclaimPolicy: 'Retain' } });

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
