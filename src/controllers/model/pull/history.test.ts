import { describe, expect, it } from 'vitest';
import { aClaim, anArtifact, secondsAgo } from '../../testing/objects.ts';
import { keptOf, publishedOn, recorded, restorable, trimmed, withClaims } from './history.ts';

/** A revision that was published on a claim of its own. */
function published(name: string, hoursAgo: number, more: object = {}) {
  return {
    ...anArtifact({
      revision: name,
      digest: `sha256:${name}`,
      content: `content-${name}`,
      claimName: `claim-${name}`,
      claimUid: `uid-of-claim-${name}`,
    }),
    publishedAt: secondsAgo(hoursAgo * 3600),
    ...more,
  };
}
const [a, b, c] = [published('a', 3), published('b', 2), published('c', 1)];
const names = (history: readonly { revision: string }[]) => history.map(({ revision }) => revision);

describe('recorded', () => {
  it('has what is published now in front, also when it was published before', () => {
    expect(recorded(undefined, a)).toEqual([a]);
    expect(names(recorded([b, a], c))).toEqual(['c', 'b', 'a']);
    expect(names(recorded([b, a], a))).toEqual(['a', 'b', 'a']);
  });

  it('has in the place of what was published last the same on another claim', () => {
    const again = { ...b, claimUid: 'made-again' };
    expect(recorded([b, a], again)).toEqual([again, a]);
  });

  it('has ten at most', () => {
    const many = Array.from({ length: 12 }, (_, i) => published(String(i), i));
    expect(
      many.reduce<typeof many>((history, each) => recorded(history, each) as typeof many, []),
    ).toHaveLength(10);
  });
});

describe('keptOf', () => {
  const all = () => true;
  it('is the newest ones, each once', () => {
    expect(names(keptOf([a, c, b, a], 2, all))).toEqual(['a', 'c']);
    expect(names(keptOf([a, c, a, b], 3, all))).toEqual(['a', 'c', 'b']);
    expect(names(keptOf([c, b, a], 1, all))).toEqual(['c']);
  });

  it('is as it was published last', () => {
    const again = { ...a, publishedAt: secondsAgo(0) };
    expect(keptOf([again, c, a], 2, all)[0]).toBe(again);
    expect(trimmed([again, c, a], [again, c])[0]).toHaveProperty('files');
  });

  it('counts none that is gone', () => {
    expect(names(keptOf([c, b, a], 2, ({ revision }) => revision !== 'b'))).toEqual(['c', 'a']);
  });
});

describe('restorable', () => {
  it('is what is kept on this claim, as it was published, and not when it was', () => {
    const { publishedAt: _, ...artifact } = a;
    const at = { claimUid: a.claimUid, content: a.content };
    expect(restorable([c, b, { ...a, change: 'First', pullSeconds: 7 }], at)).toEqual(artifact);
    expect(restorable(trimmed([c, b, a], [c, b]), at)).toBeUndefined();
    expect(restorable([c, b, a], { ...at, claimUid: 'made-again' })).toBeUndefined();
    expect(restorable([c, b, a], { ...at, content: 'other' })).toBeUndefined();
    expect(restorable(undefined, at)).toBeUndefined();
  });
});

describe('trimmed', () => {
  it('leaves when each was published, and the files of what is kept', () => {
    const history = trimmed([c, b, a], [c, b]);
    expect(history.map(({ files }) => files !== undefined)).toEqual([true, true, false]);
    expect(history[2]).toMatchObject({ revision: 'a', publishedAt: a.publishedAt });
    expect(trimmed(history, [c, b])).toEqual(history);
  });
});

describe('a history that was lost', () => {
  const claimOf = ({ claimName, content }: typeof a, annotation?: string) =>
    aClaim(claimName, {
      metadata: {
        labels: { 'longshore.dev/content': content },
        ...(annotation !== undefined && { annotations: { 'longshore.dev/published': annotation } }),
      },
    });
  const told = (revision: typeof a) => publishedOn(claimOf(revision), { history: [revision] }, 2);

  it('is told again by the claims, the newest first behind what is published', () => {
    const claims = [a, b, c].map((each) => claimOf(each, told(each)));
    expect(names(withClaims([a], claims))).toEqual(['a', 'c', 'b']);
    const { revision, digest, sizeBytes, publishedAt, content, claimName, claimUid } = c;
    const known = { revision, digest, sizeBytes, publishedAt, content, claimName, claimUid };
    expect(withClaims([a], claims)[1]).toEqual(known);
  });

  it('has nothing of claims that were never filled, or that say what nobody understands', () => {
    expect(withClaims([c], [claimOf(a), claimOf(b, 'nonsense')])).toEqual([c]);
    expect(withClaims(undefined, [])).toEqual([]);
  });

  it('is carried on by a claim of which the status knows nothing', () => {
    const before = claimOf(a, 'as it was');
    expect(publishedOn(before, { history: [c] }, 2)).toBe('as it was');
    expect(publishedOn(before, { history: [a] }, 2)).toBe(told(a));
    // Where nothing else is kept a claim is not written for it.
    expect(publishedOn(before, { history: [a] }, 1)).toBe('as it was');
    expect(publishedOn(claimOf(a), { history: [a] }, 1)).toBeUndefined();
    expect(publishedOn(undefined, {}, 2)).toBeUndefined();
  });
});
