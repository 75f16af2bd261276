import { describe, expect, it } from 'vitest';
import { aClaim, aModel, anArtifact, aServer, meta } from '../testing/objects.ts';
import { aNode, aWeightsClaim } from '../testing/servers.ts';
import { claimInWords, togetherFor, weightsClaims } from './claims.ts';
import type { Part } from './parts.ts';

const on = (use: Part['use'], name: string, claimName: string): Part => ({
  use,
  name,
  scale: 1,
  model: { ...aModel({}, { artifact: anArtifact({ claimName }) }), metadata: meta(name) },
});

it('a server has weights on the claims of its Models, each named once with all that is there', () => {
  const parts = [
    on('Adapter', 'sql', 'shared'),
    on('Adapter', 'poems', 'own'),
    on('Draft', 'small', 'shared'),
  ];
  const find = (name: string) => (name === 'unseen' ? undefined : { claim: aClaim(name), pods: [] });
  const claims = weightsClaims(aServer(), anArtifact({ claimName: 'own' }), parts, find);
  expect(claims.map((claim) => claimInWords(claim))).toEqual([
    'claim own (Model "qwen", adapter Model "poems")',
    'claim shared (adapter Model "sql", draft Model "small")',
  ]);
  const unseen = weightsClaims(aServer(), anArtifact({ claimName: 'unseen' }), [], find);
  expect(unseen).toEqual([]);
});

it('a claim is told with the node that its volume was made for, and the zone of that', () => {
  const claim = aWeightsClaim('c', ['ReadWriteOnce'], { madeFor: 'a' });
  expect(claimInWords(claim)).toBe('claim c (Model "qwen", made for node a)');
  const node = aNode('a', { 'topology.kubernetes.io/zone': 'west' });
  expect(claimInWords(claim, [node])).toBe('claim c (Model "qwen", made for node a of zone west)');
});

describe('the pods of a server are kept on one node', () => {
  const many = aWeightsClaim('many', ['ReadWriteMany']);
  const one = aWeightsClaim('one', ['ReadWriteOnce']);

  it('for the first of its claims that is on one node at a time', () => {
    expect(togetherFor(aServer(), [many, one])).toBe(one);
    expect(togetherFor(aServer(), [aWeightsClaim('pod', ['ReadWriteOncePod'])])).toBeDefined();
  });

  it.for([
    ['all of them can be on many', {}, [many, aWeightsClaim('x', ['ReadWriteOnce', 'ReadOnlyMany'])]],
    ['one does not say', {}, [aWeightsClaim('x', [])]],
    ['none is seen', {}, []],
    ['the spec has an affinity to pods', { affinity: { podAffinity: {} } }, [one]],
    ['the spec keeps pods apart', { affinity: { podAntiAffinity: {} } }, [one]],
    [
      'the spec spreads them',
      { topologySpread: [{ topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }] },
      [one],
    ],
  ] as const)('not where %s', ([, pod, claims]) => {
    expect(togetherFor(aServer({ pod }), claims)).toBeUndefined();
  });

  it('also where the spec chooses nodes, or leaves the spread to the scheduler', () => {
    expect(togetherFor(aServer({ pod: { affinity: { nodeAffinity: {} } } }), [one])).toBe(one);
    expect(togetherFor(aServer({ pod: { topologySpread: [] } }), [one])).toBe(one);
  });
});
