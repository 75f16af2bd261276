import { describe, expect, it } from 'vitest';
import { anArtifact, aServer } from '../../testing/objects.ts';
import { askedFor } from './asked.ts';

const of = (spec: object = {}, artifact = anArtifact(), image = 'runtime:1') =>
  askedFor(aServer(spec), [artifact], image);

describe('what pods are asked to be', () => {
  it.for([
    ['the number of replicas', { replicas: 5 }],
    ['how they are replaced', { rollout: { strategy: 'Drain', progressDeadline: '1h' } }],
    ['a default that is written out', { gpu: { count: 1 }, runtime: { parallel: 1 } }],
    ['options without a choice in them', { runtime: {}, rollout: {} }],
  ] as const)('does not change with %s', ([, spec]) => {
    expect(of(spec)).toBe(of());
  });

  it.for([
    ['the context', { runtime: { contextSize: 4096 } }],
    ['the GPUs', { gpu: { count: 2 } }],
    ['the Model', { modelRef: { name: 'other' } }],
    ['the time for answers', { rollout: { gracePeriod: '1m' } }],
    ['a node selector', { pod: { nodeSelector: { zone: 'a' } } }],
  ] as const)('changes with %s', ([, spec]) => {
    expect(of(spec)).not.toBe(of());
  });

  it('changes with the image and the weights, and with nothing else of what a Model publishes', () => {
    expect(of({}, anArtifact(), 'runtime:2')).not.toBe(of());
    expect(of({}, anArtifact({ digest: 'sha256:other' }))).not.toBe(of());
    expect(of({}, anArtifact({ claimName: 'other' }))).not.toBe(of());
    expect(of({}, anArtifact({ claimUid: 'other' }))).toBe(of());
  });
});
