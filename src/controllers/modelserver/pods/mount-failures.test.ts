import { expect, it } from 'vitest';
import type { KubeEvent } from '../../../kube/builtin.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { now, secondsAgo } from '../../testing/objects.ts';
import { aServerPod } from '../../testing/servers.ts';
import { mountFailures } from './mount-failures.ts';

const event = (reason: string, note: string, seconds: number): KubeEvent => ({
  metadata: {},
  reason,
  note,
  eventTime: secondsAgo(seconds),
});

it('are the last warnings about volumes, once a pod has had the time to get them', async () => {
  const asked: (string | undefined)[] = [];
  const list = (_kind: unknown, { fieldSelector }: { fieldSelector?: string }) => {
    asked.push(fieldSelector);
    const items = [
      event('FailedMount', 'MountVolume.SetUp failed:\nno host', 20),
      event('FailedAttachVolume', 'older', 40),
      event('BackOff', 'something else', 1),
    ];
    return Promise.resolve({ items });
  };
  const looks = mountFailures({ list } as unknown as Pick<KubeClient, 'list'>, () => now);
  const { signal } = new AbortController();
  expect([...(await looks.of([aServerPod('young', { age: 9 })], signal))]).toEqual([]);
  expect(asked).toEqual([]);
  const found = await looks.of([aServerPod('a', { age: 10 })], signal);
  expect([...found]).toEqual([['uid-of-a', 'MountVolume.SetUp failed: no host']]);
  expect(asked).toEqual(['regarding.uid=uid-of-a,type=Warning']);
});
