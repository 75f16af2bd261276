import type { KubeClient } from '../../../kube/client.ts';
import { EventLooks } from '../../event-looks.ts';

/** A pod whose containers have not begun so long after it was made is asked about, and again after this. */
const secondsToVolumes = 10;
const secondsBetweenMountLooks = 10;

const reasons: ReadonlySet<string | undefined> = new Set([
  'FailedMount',
  'FailedAttachVolume',
  'FailedMapVolume',
]);

/** Why pods do not get their volumes, in the words of the kubelet or of who attaches them: told by events alone. */
export function mountFailures(client: Pick<KubeClient, 'list'>, now: () => Date): EventLooks {
  return new EventLooks(client, now, {
    fields: 'type=Warning',
    counts: ({ reason }) => reasons.has(reason),
    secondsToFirst: secondsToVolumes,
    secondsBetween: secondsBetweenMountLooks,
  });
}
