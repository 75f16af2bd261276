import type { ModelStatus, Progress } from '../../../api/model-status.ts';
import type { Reason } from '../../../api/reasons.ts';
import type { EventText } from '../../../kube/events.ts';
import type { PullerReport } from '../../../protocols/puller.ts';
import { formatBytes, formatDuration } from '../../text.ts';

type Artifact = NonNullable<ModelStatus['artifact']>;

/** What is known of a pull that has ended well. */
export interface Pulled {
  /** From the start of its last Job. */
  seconds: number | undefined;
  transfer: Extract<PullerReport, { publication: unknown }>['transfer'];
}

const milestones = [75, 50, 25];

/** A quarter, a half or three quarters are on the volume, that were not by what was told before; the most alone. */
export function progressEvents(before: Progress | undefined, now: Progress): EventText[] {
  const told = before?.totalBytes === now.totalBytes && before.percent < 100 ? before.percent : 0;
  const passed = milestones.find((each) => told < each && each <= now.percent);
  if (passed === undefined) return [];
  const { downloadedBytes, totalBytes, rate, eta } = now;
  const speed = rate === undefined ? '' : ` at ${rate}`;
  const left = eta === undefined ? '' : `, ${eta} left`;
  const note = `${passed}%: ${formatBytes(downloadedBytes)} of ${formatBytes(totalBytes)}${speed}${left}.`;
  return [eventOf('PullProgress', note)];
}

/** That all is verified, and how long it took. */
export function pulledEvents({ digest, sizeBytes, fileCount }: Artifact, pulled: Pulled): EventText[] {
  const { seconds, transfer } = pulled;
  const files = fileCount === 1 ? '1 file' : `${fileCount} files`;
  const verified = eventOf('Verified', `${formatBytes(sizeBytes)} in ${files}, as ${digest}.`);
  if (seconds === undefined) return [verified];
  const rate = transfer && transfer.seconds > 0 ? transfer.receivedBytes / transfer.seconds : 0;
  const speed = rate > 0 ? ` at ${formatBytes(rate)}/s` : '';
  return [verified, eventOf('Ready', `Ready in ${formatDuration(seconds)}${speed}.`)];
}

function eventOf(reason: Reason, note: string): EventText {
  return { type: 'Normal', reason, note };
}
