import { expect, it } from 'vitest';
import { trackProgress } from './progress.ts';

it('tells the rate of received bytes, and the time left at that rate', () => {
  let time = 0;
  const progress = trackProgress(() => time);
  progress.begin(40_000, 100_000);
  expect(progress.read()).toEqual({ phase: 'starting', downloadedBytes: 40_000, totalBytes: 100_000 });
  progress.enter('downloading');
  for (let second = 0; second < 10; second++) {
    time += 1000;
    progress.received(1000);
    progress.wrote(1000);
  }
  expect(progress.read()).toEqual({
    phase: 'downloading',
    downloadedBytes: 50_000,
    totalBytes: 100_000,
    bytesPerSecond: 1000,
    secondsLeft: 50,
  });
});

it('lets the rate fall while nothing arrives', () => {
  let time = 0;
  const progress = trackProgress(() => time);
  progress.begin(0, 100_000);
  progress.enter('downloading');
  time = 1000;
  progress.received(10_000);
  time = 30_000;
  expect(progress.read().bytesPerSecond).toBeLessThan(100);
});

it('never goes back when bytes are thrown away', () => {
  const progress = trackProgress(() => 0);
  progress.begin(0, 100);
  progress.wrote(80);
  progress.discarded(80);
  progress.wrote(30);
  expect(progress.read().downloadedBytes).toBe(80);
  progress.wrote(70);
  expect(progress.read().downloadedBytes).toBe(100);
});
