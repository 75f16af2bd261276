import { expect, it } from 'vitest';
import type { LoadState } from '../../protocols/runtime.ts';
import { meta } from '../testing/objects.ts';
import { loadQuestion } from './load.ts';

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
