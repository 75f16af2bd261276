import { describe, expect, it } from 'vitest';
import { anArtifact } from '../../testing/objects.ts';
import { progressEvents, pulledEvents } from './pull-events.ts';

const progress = (percent: number, totalBytes = 1000) => ({
  percent,
  text: `${percent}%`,
  downloadedBytes: (percent * totalBytes) / 100,
  totalBytes,
});
const notes = (...[before, now]: Parameters<typeof progressEvents>) =>
  progressEvents(before, now).map(({ reason, note }) => `${reason} ${note}`);

describe('the events of a pull', () => {
  it('tell of each quarter once', () => {
    const steps = [0, 10, 24, 25, 30, 49, 50, 74, 76, 99].map((percent) => progress(percent));
    const told = steps.flatMap((now, index) => notes(steps[index - 1], now));
    expect(told.map((each) => each.split(':')[0])).toEqual([
      'PullProgress 25%',
      'PullProgress 50%',
      'PullProgress 75%',
    ]);
  });

  it('tell of the last that was passed, and how fast it goes', () => {
    expect(notes(undefined, { ...progress(60), rate: '10B/s', eta: '40s' })).toEqual([
      'PullProgress 50%: 600B of 1kB at 10B/s, 40s left.',
    ]);
  });

  it('begin anew for what is pulled in the place of something else', () => {
    expect(notes(progress(100), progress(30))).toHaveLength(1);
    expect(notes(progress(90, 5000), progress(30))).toHaveLength(1);
    expect(notes(progress(30), progress(30))).toEqual([]);
  });

  it('tell what was verified, and how long it took', () => {
    const artifact = anArtifact();
    const told = (pulled: Parameters<typeof pulledEvents>[1]) =>
      pulledEvents(artifact, pulled).map(({ reason, note }) => `${reason} ${note}`);
    const verified = `Verified 1kB in 1 file, as ${artifact.digest}.`;
    const transfer = { receivedBytes: 79_104_000_000, seconds: 192 };
    expect(told({ seconds: 192, transfer })).toEqual([verified, 'Ready Ready in 3m12s at 412MB/s.']);
    // Everything was there already.
    const nothing = { receivedBytes: 0, seconds: 1 };
    expect(told({ seconds: 1, transfer: nothing })).toEqual([verified, 'Ready Ready in 1s.']);
    expect(told({ seconds: undefined, transfer })).toEqual([verified]);
  });
});
