import { describe, expect, it } from 'vitest';
import { aModel, aServer, conditions } from '../testing/objects.ts';
import { loadStanding, pullStanding } from './progress.ts';

const commit = 'c'.repeat(40);
const at = (...all: Parameters<typeof conditions>) => ({
  observedGeneration: 1,
  conditions: conditions(...all),
});
const progress = {
  percent: 42,
  text: '42%',
  downloadedBytes: 420,
  totalBytes: 1000,
  bytesPerSecond: 10,
  secondsLeft: 58,
};
const resolved = { source: 's', request: 'r', revision: commit, sizeBytes: 1000, size: '1kB', fileCount: 1 };

describe('the progress of a pull', () => {
  it('begins with the manifest, also while nobody has looked at the Model or at its new spec', () => {
    const line = { status: 'pulling manifest' };
    expect(pullStanding(aModel('m'))).toEqual({ line });
    expect(pullStanding(aModel('m', { status: at(['Ready', 'False', 'Resolving']) }))).toEqual({ line });
    const old = { ...at(['Ready', 'True', 'Ready']), observedGeneration: 0 };
    expect(pullStanding(aModel('m', { status: old }))).toEqual({ line });
  });

  it('tells bytes, percent, rate and time left, under the revision', () => {
    const status = { ...at(['Ready', 'False', 'Pulling']), resolved, progress };
    expect(pullStanding(aModel('m', { status }))).toEqual({
      line: {
        status: 'pulling cccccccccccc',
        digest: `commit:${commit}`,
        total: 1000,
        completed: 420,
        percent: 42,
        bytes_per_second: 10,
        seconds_left: 58,
      },
    });
    const verifying = { ...at(['Ready', 'False', 'Verifying']), resolved, progress };
    expect(pullStanding(aModel('m', { status: verifying }))).toMatchObject({
      line: { status: 'verifying sha256 digest', percent: 42 },
    });
  });

  it('says what it waits for', () => {
    const status = { ...at(['Ready', 'False', 'Queued', 'Third in the queue.']), progress };
    expect(pullStanding(aModel('m', { status }))).toEqual({
      line: { status: 'Queued: Third in the queue.' },
    });
  });

  it('ends with success, or with what a person has to do', () => {
    expect(pullStanding(aModel('m', { status: at(['Ready', 'True', 'Ready']) }))).toEqual({
      end: 'ready',
      line: { status: 'success', percent: 100 },
    });
    const stalled = at(['Ready', 'False', 'GatedRepo', 'Ask for access.'], ['Stalled', 'True', 'GatedRepo']);
    expect(pullStanding(aModel('m', { status: stalled }))).toEqual({
      end: 'failed',
      error: 'GatedRepo: Ask for access.',
    });
  });
});

describe('the progress of a load', () => {
  it('is a percentage, then success, or what a person has to do', () => {
    const loading = { ...at(['Ready', 'False', 'Loading']), load: { percent: 60, text: '60%' } };
    expect(loadStanding(aServer('s'))).toEqual({ line: { status: 'loading' } });
    expect(loadStanding(aServer('s', { status: loading }))).toEqual({
      line: { status: 'loading', percent: 60 },
    });
    expect(loadStanding(aServer('s', { status: at(['Ready', 'False', 'Unschedulable', 'no GPU']) }))).toEqual(
      {
        line: { status: 'Unschedulable: no GPU' },
      },
    );
    expect(loadStanding(aServer('s', { status: at(['Ready', 'True', 'Ready']) }))).toMatchObject({
      end: 'ready',
    });
    const stalled = at(['Ready', 'False', 'LoadFailed'], ['Stalled', 'True', 'LoadFailed']);
    expect(loadStanding(aServer('s', { status: stalled }))).toEqual({ end: 'failed', error: 'LoadFailed' });
  });
});
