import { expect, it } from 'vitest';
import type { KubeEvent } from '../../../kube/builtin.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { aJob, now, secondsAgo } from '../../testing/objects.ts';
import { podRefusals } from './pod-refusals.ts';

const event = (note: string, secondsBefore: number): KubeEvent => ({
  metadata: {},
  eventTime: secondsAgo(900),
  note,
  series: { count: 2, lastObservedTime: secondsAgo(secondsBefore) },
});

it('are the last words of the API server, without those of the Job controller, of Jobs that had time to get a pod', async () => {
  const asked: (string | undefined)[] = [];
  const list = (_kind: unknown, { fieldSelector }: { fieldSelector?: string }) => {
    asked.push(fieldSelector);
    const items = [
      event('Error creating: pods "x" is forbidden: exceeded\nquota', 60),
      event('Error creating: pods "y" is forbidden: no PriorityClass', 5),
    ];
    return Promise.resolve({ items });
  };
  const looks = podRefusals({ list } as unknown as Pick<KubeClient, 'list'>, () => now);
  const { signal } = new AbortController();
  const job = (name: string, seconds: number) => {
    const made = aJob({ request: name, task: 'pull' });
    return { ...made, metadata: { ...made.metadata, creationTimestamp: secondsAgo(seconds) } };
  };
  expect([...(await looks.of([job('young', 4)], signal))]).toEqual([]);
  expect(asked).toEqual([]);
  const found = await looks.of([job('j', 5)], signal);
  expect([...found]).toEqual([['uid-of-pull-j-1', 'pods "y" is forbidden: no PriorityClass']]);
  expect(asked).toEqual(['regarding.uid=uid-of-pull-j-1,reason=FailedCreate']);
});
