import { describe, expect, it } from 'vitest';
import type { KubeEvent } from '../../../kube/builtin.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { ApiError } from '../../../kube/errors.ts';
import { aJob, now, secondsAgo } from '../../testing/objects.ts';
import { PodRefusals } from './pod-refusals.ts';

const signal = new AbortController().signal;

/** Jobs that were made so many seconds ago, and what is told when their events are listed. */
function setUp(answer: () => KubeEvent[] = () => []) {
  const asked: (string | undefined)[] = [];
  let passed = 0;
  const list = (_kind: unknown, { fieldSelector }: { fieldSelector?: string }) => {
    asked.push(fieldSelector);
    return Promise.resolve().then(() => ({ items: answer() }));
  };
  const clock = () => new Date(now.getTime() + passed * 1000);
  const refusals = new PodRefusals({ list } as unknown as Pick<KubeClient, 'list'>, clock);
  const job = (seconds: number, name = 'j') => {
    const made = aJob({ request: name, task: 'pull' });
    return { ...made, metadata: { ...made.metadata, creationTimestamp: secondsAgo(seconds) } };
  };
  const look = async (...jobs: ReturnType<typeof job>[]) => [...(await refusals.of(jobs, signal)).values()];
  return { asked, job, look, pass: (seconds: number) => void (passed += seconds) };
}

const event = (note: string, secondsBefore: number): KubeEvent => ({
  metadata: {},
  eventTime: secondsAgo(900),
  note,
  series: { count: 2, lastObservedTime: secondsAgo(secondsBefore) },
});

describe('a Job without pods', () => {
  it('is given a moment first', async () => {
    const { asked, job, look } = setUp();
    expect(await look(job(4))).toEqual([]);
    expect(asked).toEqual([]);
    await look(job(5));
    expect(asked).toEqual(['regarding.uid=uid-of-pull-j-1,reason=FailedCreate']);
  });

  it('has the last words of the API server, without those of the Job controller', async () => {
    const { job, look } = setUp(() => [
      event('Error creating: pods "x" is forbidden: exceeded\nquota', 60),
      event('Error creating: pods "y" is forbidden: no PriorityClass', 5),
    ]);
    expect(await look(job(9))).toEqual(['pods "y" is forbidden: no PriorityClass']);
  });

  it('is looked at again after a while, and what was told stands until then', async () => {
    let answer = [event('Error creating: no', 1)];
    const { asked, job, look, pass } = setUp(() => answer);
    expect(await look(job(9))).toEqual(['no']);
    answer = [];
    pass(19);
    expect(await look(job(9))).toEqual(['no']);
    pass(1);
    expect(await look(job(9))).toEqual([]);
    expect(asked).toHaveLength(2);
  });

  it('is not asked about together with many others', async () => {
    const { asked, job, look, pass } = setUp();
    const many = ['a', 'b', 'c'].map((name) => job(60, name));
    await look(...many);
    expect(asked).toHaveLength(1);
    pass(1);
    await look(...many);
    expect(asked).toHaveLength(2);
  });

  it('stays unexplained where events may not be read, and only there', async () => {
    const refusing = (status: number) =>
      setUp(() => {
        throw new ApiError({ status, reason: 'Forbidden', message: 'no' });
      });
    const forbidden = refusing(403);
    expect(await forbidden.look(forbidden.job(9))).toEqual([]);
    const broken = refusing(500);
    await expect(broken.look(broken.job(9))).rejects.toThrow('no');
  });
});
