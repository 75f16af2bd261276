import { describe, expect, it } from 'vitest';
import type { LoadState } from '../../protocols/runtime.ts';
import type { ModelServer } from '../../api/modelserver.ts';
import { aModel, anArtifact, aServer, meta, secondsAgo } from '../testing/objects.ts';
import { loadQuestion, podsToAsk } from './load-poller.ts';

function isEnough(ready: boolean, phase?: LoadState['phase'], failures = 0): boolean | undefined {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  const answer = phase && { phase, percent: 100 };
  return loadQuestion.isEnough?.({ metadata: meta('p'), status: { conditions } }, { answer, failures });
}

it('asks a pod until it is ready and has said so itself', () => {
  expect([isEnough(false), isEnough(false, 'ready'), isEnough(true), isEnough(true, 'loading')]).toEqual([
    false,
    false,
    false,
    false,
  ]);
  expect(isEnough(true, 'ready')).toBe(true);
});

it('gives up one that is ready and does not answer, and none that loads', () => {
  expect(isEnough(true, undefined, 4)).toBe(false);
  expect(isEnough(true, undefined, 5)).toBe(true);
  expect(isEnough(false, undefined, 500)).toBe(false);
});

describe('an operator that was started again asks', () => {
  const pod = (name: string, ready: boolean) => ({
    metadata: meta(name),
    status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
  });
  const pods = [pod('old', true), pod('fresh', false)];
  const published = aModel({}, { artifact: anArtifact() });

  /** A server whose status says this, of this generation (the spec's is 1), and that it serves these weights. */
  function told(
    conditions: Record<string, 'True' | 'False' | 'Unknown'>,
    { generation = 1, digest = anArtifact().digest } = {},
  ) {
    const { revision, claimName } = anArtifact();
    const status: ModelServer['status'] = {
      model: { name: 'qwen', revision, digest, claimName },
      conditions: Object.entries(conditions).map(([type, status]) => ({
        type,
        status,
        reason: 'Succeeded',
        message: '',
        observedGeneration: generation,
        lastTransitionTime: secondsAgo(9),
      })),
    };
    return podsToAsk(aServer({}, status), published, pods).map(({ metadata }) => metadata.name);
  }

  it('only pods that start, when all is told', () => {
    expect(told({ Ready: 'True', ChatTemplateHonored: 'True' })).toEqual(['fresh']);
    expect(told({ Ready: 'True', ChatTemplateHonored: 'False' })).toEqual(['fresh']);
  });

  it('every pod, when something is not told of this spec and these weights', () => {
    expect(told({ Ready: 'False', ChatTemplateHonored: 'True' })).toEqual(['old', 'fresh']);
    expect(told({ Ready: 'True' })).toEqual(['old', 'fresh']);
    expect(told({ Ready: 'True', ChatTemplateHonored: 'Unknown' })).toEqual(['old', 'fresh']);
    expect(told({ Ready: 'True', ChatTemplateHonored: 'True' }, { generation: 0 })).toEqual(['old', 'fresh']);
    expect(told({ Ready: 'True', ChatTemplateHonored: 'True' }, { digest: 'other' })).toEqual([
      'old',
      'fresh',
    ]);
  });
});
