import { describe, expect, it } from 'vitest';
import { controlledBy } from '../../../kube/kind.ts';
import { models } from '../../kinds.ts';
import { content, name, resolved } from '../../testing/claims.ts';
import { aClaim, aModel, aRetainedClaim, aView, meta, secondsAgo } from '../../testing/objects.ts';
import { abandonedClaims, claimName, claimOf, desiredClaim, isOwn, reclaimPolicyOf } from './claim.ts';
import { originOf } from '../source/content.ts';

const model = aModel();
const { uid } = model.metadata;
const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } } };

describe('claimName', () => {
  it('is another for another commit, source, class, mode, and another Model of the name, and a name in DNS', () => {
    const again = { ...model, metadata: meta('qwen', { uid: 'made-again' }) };
    const files = aModel({ source: { huggingFace: { repo: 'owner/name', files: ['other.gguf'] } } });
    const names = [
      name,
      claimName(model, { ...resolved, revision: 'f'.repeat(40) }),
      claimName(files, resolved),
      claimName(again, resolved),
      claimName(aModel({ storage: { storageClassName: 'fast' } }), resolved),
      claimName(aModel({ storage: { accessModes: ['ReadWriteMany'] } }), resolved),
    ];
    expect(new Set(names).size).toBe(6);
    for (const each of names) expect(each).toMatch(/^qwen-[0-9a-f]{8}$/);
  });

  it('stays when other credentials are used', () => {
    expect(claimName(aModel({ credentials: { secretName: 'new' } }), resolved)).toBe(name);
  });
});

describe('desiredClaim', () => {
  const labels = {
    'app.kubernetes.io/managed-by': 'longshore',
    'longshore.dev/model': 'qwen',
    'longshore.dev/model-uid': uid,
    'longshore.dev/content': content,
    'longshore.dev/origin': originOf(model.spec.source),
  };

  it('goes with the Model, which owns it', () => {
    expect(desiredClaim(model, { name, content, spec })).toEqual({
      metadata: { name, namespace: 'ns', labels, ownerReferences: [controlledBy(models, model)] },
      spec,
    });
  });

  it('says what was verified on it', () => {
    const { metadata } = desiredClaim(model, { name, content, published: '{"revision":"abc"}', spec });
    expect(metadata.annotations).toEqual({ 'longshore.dev/published': '{"revision":"abc"}' });
  });

  it('has no owner when it is to be retained, and a label to find it by', () => {
    const retaining = aModel({ storage: { reclaimPolicy: 'Retain' } });
    expect(desiredClaim(retaining, { name, content, spec })).toEqual({
      metadata: { name, namespace: 'ns', labels: { ...labels, 'longshore.dev/reclaim-policy': 'Retain' } },
      spec,
    });
  });
});

describe('labels of the spec', () => {
  it('are on the claim, and take the place of none of ours', () => {
    const storage = { labels: { team: 'search', 'longshore.dev/model': 'other' } };
    const { metadata } = desiredClaim(aModel({ storage }), { name, content, spec });
    expect(metadata.labels).toMatchObject({ team: 'search', 'longshore.dev/model': 'qwen' });
  });
});

describe('abandonedClaims', () => {
  const labelled = { labels: { 'longshore.dev/content': content } };
  const pending = { spec: { ...spec, storageClassName: 'fast' }, status: { phase: 'Pending' } };
  const abandoned = (claim: ReturnType<typeof aClaim>, storage: object = { storageClassName: 'slow' }) =>
    abandonedClaims(aView({ model: aModel({ storage }), claims: [claim] }), resolved).length;

  it('are those of another kind that never got a volume', () => {
    expect(abandoned(aClaim('a', { ...pending, metadata: labelled }))).toBe(1);
  });

  it.for([
    ['of the kind that is asked for', aClaim('a', { ...pending, metadata: labelled }), {}],
    ['with a volume', aClaim('a', { ...pending, status: { phase: 'Bound' }, metadata: labelled }), undefined],
    [
      'that is being bound',
      aClaim('a', { ...pending, spec: { volumeName: 'pv' }, metadata: labelled }),
      undefined,
    ],
    ['of other content', aClaim('a', pending), undefined],
    ['that a deleted Model left', aRetainedClaim('a', { content }, pending), undefined],
  ] as const)('are none %s', ([, claim, storage]) => {
    expect(abandoned(claim, storage)).toBe(0);
  });
});

describe('reclaimPolicyOf', () => {
  it('goes by what the claim is, and not by what the spec says', () => {
    expect(reclaimPolicyOf(model, aClaim('owned'))).toBe('Delete');
    expect(reclaimPolicyOf(model, aRetainedClaim('kept', { content, modelUid: uid }))).toBe('Retain');
  });
});

describe('isOwn', () => {
  it.for([
    ['that it owns', aClaim('owned'), true],
    ['retained for it', aRetainedClaim('kept', { content, modelUid: uid }), true],
    ['that a deleted one left', aRetainedClaim('left', { content }), false],
  ] as const)('of a claim %s is %3$s', ([, claim, own]) => {
    expect(isOwn(model, claim)).toBe(own);
  });
});

describe('claimOf', () => {
  const left = (called: string, more: Parameters<typeof aRetainedClaim>[2] = {}) =>
    aRetainedClaim(called, { content }, { spec, ...more });
  const owned = aClaim(name, { spec, metadata: { labels: { 'longshore.dev/content': content } } });
  const ending = { deletionTimestamp: secondsAgo(1) };
  const found = (claims: ReturnType<typeof aClaim>[], storage: object = {}): string | undefined =>
    claimOf(aView({ model: aModel({ storage }), claims }), resolved)?.metadata.name;

  it('is nothing when there is none', () => {
    expect(found([])).toBeUndefined();
  });

  it('is its own rather than one that was left', () => {
    expect(found([left('left'), owned])).toBe(name);
    expect(found([left('left'), aRetainedClaim('kept', { content, modelUid: uid }, { spec })])).toBe('kept');
  });

  it('is one that a deleted Model left, the newest if there are several', () => {
    const made = (called: string, seconds: number) =>
      left(called, { metadata: { creationTimestamp: secondsAgo(seconds) } });
    expect(found([made('older', 90), made('newer', 30), made('oldest', 99)])).toBe('newer');
  });

  it.for([
    ['of other content', aRetainedClaim('other', { content: 'other' }, { spec })],
    ['that is being deleted', left('ending', { metadata: ending })],
    ['whose volume is gone', left('lost', { status: { phase: 'Lost' } })],
    ['of another mode', left('shared', { spec: { ...spec, accessModes: ['ReadWriteMany'] } })],
  ] as const)('is none %s', ([, claim]) => {
    expect(found([claim])).toBeUndefined();
  });

  it('is of the class that the spec asks for, and of any when it asks for none', () => {
    const fast = left('fast', { spec: { ...spec, storageClassName: 'fast' } });
    expect(found([fast])).toBe('fast');
    expect(found([fast], { storageClassName: 'fast' })).toBe('fast');
    expect(found([fast], { storageClassName: 'slow' })).toBeUndefined();
    expect(found([left('any')], { storageClassName: 'fast' })).toBeUndefined();
  });

  it('is none that another hub was asked for, which anybody can make, unless it is its own', () => {
    const source = { huggingFace: { repo: 'owner/name', endpoint: 'https://mirror.internal' } };
    const of = (claims: ReturnType<typeof aClaim>[]) =>
      claimOf(aView({ model: aModel({ source }), claims }), resolved)?.metadata.name;
    expect(of([left('left')])).toBeUndefined();
    expect(of([left('left'), owned])).toBe(name);
  });

  it('is not its own when the spec asks for another kind by now, which means another claim', () => {
    const fast = { ...owned, spec: { ...spec, storageClassName: 'fast' } };
    expect(found([fast], { storageClassName: 'fast' })).toBe(name);
    expect(found([fast], { storageClassName: 'slow' })).toBeUndefined();
    expect(found([fast], { accessModes: ['ReadWriteMany'] })).toBeUndefined();
    expect(found([fast])).toBe(name);
  });

  it('is one that somebody has labelled for it, whatever it holds, where none is known to hold it', () => {
    const filled = left('filled');
    const { 'longshore.dev/content': _, ...labels } = filled.metadata.labels ?? {};
    const unknown = { ...filled, metadata: { ...filled.metadata, name: 'unknown', labels } };
    expect(found([unknown])).toBe('unknown');
    expect(found([unknown, filled])).toBe('filled');
    expect(found([unknown, owned])).toBe(name);
  });

  it('is the one of its name whatever has become of that: there can be no other', () => {
    expect(found([aClaim(name)])).toBe(name);
    expect(found([{ ...owned, metadata: { ...owned.metadata, ...ending } }])).toBe(name);
    expect(found([{ ...owned, metadata: { ...owned.metadata, ...ending } }, left('left')])).toBe('left');
  });
});
