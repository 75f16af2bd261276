import type { Progress } from '../../api/model.ts';
import type { Pod } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { progressPort, PullerProgress } from '../../protocols/puller.ts';
import { pollPod, type Fetch } from '../poll.ts';
import { formatBytes, formatDuration } from '../text.ts';

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

/** Asks a puller's pod how far it is; nothing when it does not answer at once. */
export async function pollProgress(pod: Live<Pod>, fetch?: Fetch): Promise<PullerProgress | undefined> {
  const answer = PullerProgress.safeParse(await pollPod(pod, progressPort, '/progress', fetch));
  return answer.success ? answer.data : undefined;
}
