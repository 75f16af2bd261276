import type { PullerProgress } from '../../protocols/puller.ts';
import type { ProgressTracker } from './progress.ts';

/** Clears what is left of a longer line: ECMA-48, EL. */
const clearToEnd = '\u001B[K';
const everyMs = 500;

/** Keeps one line of a terminal up to date, until it is disposed of. */
export function showProgress(
  terminal: { write(text: string): unknown },
  progress: Pick<ProgressTracker, 'read'>,
): Disposable {
  const show = (): unknown => terminal.write(`\r${progressLine(progress.read())}${clearToEnd}`);
  show();
  const timer = setInterval(show, everyMs);
  timer.unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      show();
      terminal.write('\n');
    },
  };
}

/** As in `downloading 44 %, 0.9 of 2.1 GB, 503 MB/s, 3 s left`. */
export function progressLine({
  phase,
  downloadedBytes,
  totalBytes,
  bytesPerSecond,
  secondsLeft,
}: PullerProgress): string {
  if (totalBytes === 0) return phase;
  const percent = Math.floor((downloadedBytes / totalBytes) * 100);
  const [unit, name] = totalBytes >= 1e9 ? ([1e9, 'GB'] as const) : ([1e6, 'MB'] as const);
  const amount = `${(downloadedBytes / unit).toFixed(1)} of ${(totalBytes / unit).toFixed(1)} ${name}`;
  const rate = bytesPerSecond === undefined ? [] : [`${(bytesPerSecond / 1e6).toFixed(0)} MB/s`];
  const left = secondsLeft === undefined ? [] : [`${durationText(secondsLeft)} left`];
  return [`${phase} ${percent} %`, amount, ...rate, ...left].join(', ');
}

function durationText(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
