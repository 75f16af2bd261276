import { formatBytes, formatDuration } from '../controllers/text.ts';

export interface Amounts {
  percent: number;
  downloadedBytes?: number | undefined;
  totalBytes?: number | undefined;
  bytesPerSecond?: number | undefined;
  secondsLeft?: number | undefined;
}

const shortestBar = 10;
const longestBar = 40;

/**
 * One line: what is done, a bar, percent, bytes, rate and time left. What a narrow terminal has no room for is left out
 * from the right, then the bar; the label and the percent stay.
 */
export function progressLine(label: string, amounts: Amounts, columns: number): string {
  const { percent, downloadedBytes, totalBytes, bytesPerSecond, secondsLeft } = amounts;
  const ended = `${percent}%`.padStart(4);
  const details = [
    ...(downloadedBytes !== undefined && totalBytes !== undefined
      ? [`${formatBytes(downloadedBytes)}/${formatBytes(totalBytes)}`]
      : []),
    ...(bytesPerSecond !== undefined ? [`${formatBytes(bytesPerSecond)}/s`] : []),
    ...(secondsLeft !== undefined ? [`${formatDuration(secondsLeft)} left`] : []),
  ];
  // A terminal that is written to its last column goes on in the next line.
  const room = columns - 1 - label.length - ended.length - 1;
  while (details.length > 0 && room - lengthOf(details) < shortestBar + 1) details.pop();
  const width = Math.min(longestBar, room - lengthOf(details) - 1);
  const bar = width >= shortestBar ? ` ${barOf(percent, width)}` : '';
  return `${label}${bar} ${ended}${details.map((detail) => `  ${detail}`).join('')}`.slice(
    0,
    Math.max(0, columns - 1),
  );
}

function lengthOf(details: string[]): number {
  return details.reduce((sum, detail) => sum + 2 + detail.length, 0);
}

function barOf(percent: number, width: number): string {
  const filled = Math.round((Math.min(100, Math.max(0, percent)) / 100) * width);
  return '━'.repeat(filled) + '─'.repeat(width - filled);
}
