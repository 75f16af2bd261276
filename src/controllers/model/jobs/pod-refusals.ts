import type { KubeClient } from '../../../kube/client.ts';
import { EventLooks } from '../../event-looks.ts';

/** A Job that has no pod so long after it was made is asked about, and again after this. */
const secondsToFirstPod = 5;
const secondsBetweenLooks = 20;

/** Why Jobs have no pods, in the words of the API server: the Job controller tells of that by events and nowhere else. */
export function podRefusals(client: Pick<KubeClient, 'list'>, now: () => Date): EventLooks {
  return new EventLooks(client, now, {
    fields: 'reason=FailedCreate',
    secondsToFirst: secondsToFirstPod,
    secondsBetween: secondsBetweenLooks,
    prefix: /^Error creating: /,
  });
}
