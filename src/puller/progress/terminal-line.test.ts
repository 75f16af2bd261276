import { expect, it } from 'vitest';
import { progressLine, showProgress } from './terminal-line.ts';

it.each([
  ['starting', { phase: 'starting', downloadedBytes: 0, totalBytes: 0 }],
  ['verifying 100 %, 12.0 of 12.0 MB', { phase: 'verifying', downloadedBytes: 12e6, totalBytes: 12e6 }],
  [
    'downloading 44 %, 1.0 of 2.1 GB, 503 MB/s, 3 s left',
    {
      phase: 'downloading',
      downloadedBytes: 966e6,
      totalBytes: 2147e6,
      bytesPerSecond: 503e6,
      secondsLeft: 3,
    },
  ],
  [
    'downloading 0 %, 0.0 of 40.0 GB, 3 MB/s, 3 h 42 min left',
    {
      phase: 'downloading',
      downloadedBytes: 1e6,
      totalBytes: 40e9,
      bytesPerSecond: 3e6,
      secondsLeft: 13_333,
    },
  ],
] as const)('a terminal reads "%s"', (line, progress) => {
  expect(progressLine(progress)).toBe(line);
});

it('a terminal has one line, which ends when the pull does', () => {
  const written: string[] = [];
  const progress = { phase: 'publishing', downloadedBytes: 1e6, totalBytes: 1e6 } as const;
  showProgress({ write: (text) => written.push(text) }, { read: () => progress })[Symbol.dispose]();
  expect(written.at(-1)).toBe('\n');
  expect(written.slice(0, -1)).toEqual([
    '\rpublishing 100 %, 1.0 of 1.0 MB\u001B[K',
    '\rpublishing 100 %, 1.0 of 1.0 MB\u001B[K',
  ]);
});
