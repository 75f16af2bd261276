import type { Progress } from '../../../api/model-status.ts';
import type { Key } from '../../../kube/kind.ts';
import { progressPort, PullerProgress } from '../../../protocols/puller.ts';
import { PodPoller } from '../../pod-poller.ts';
import { formatBytes, formatDuration } from '../../text.ts';

/**
 * Progress for the status. Bytes do not go back while the same total is pulled: a pod that starts again says 0 until
 * it has looked at what is on the volume.
 */
export function progressOf(
  now: PullerProgress | undefined,
  totalBytes: number,
  before: Progress | undefined,
): Progress {
  const kept = before?.totalBytes === totalBytes && before.percent < 100 ? before.downloadedBytes : 0;
  const downloadedBytes = Math.min(totalBytes, Math.max(kept, now?.downloadedBytes ?? 0));
  // 100% is said only of what is published.
  const percent = totalBytes === 0 ? 0 : Math.min(99, Math.floor((downloadedBytes / totalBytes) * 100));
  const progress: Progress = { percent, text: `${percent}%`, downloadedBytes, totalBytes };
  if (now?.bytesPerSecond !== undefined) {
    progress.bytesPerSecond = Math.round(now.bytesPerSecond);
    progress.rate = `${formatBytes(now.bytesPerSecond)}/s`;
  }
  if (now?.secondsLeft !== undefined) {
    progress.secondsLeft = Math.ceil(now.secondsLeft);
    progress.eta = formatDuration(now.secondsLeft);
  }
  return progress;
}

/** Asks the pods that pull how far they are, for as long as they run. */
export function progressPoller(onChange: (model: Key) => void): PodPoller<PullerProgress> {
  const question = { port: progressPort, path: '/progress', schema: PullerProgress };
  return new PodPoller({ question, onChange });
}
