import { describe, expect, test } from 'vitest';
import { defaultTiming } from '../../src/kube/election-options.ts';
import { ownWorld } from './it.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { World } from './world.ts';

/** Two operators with the times of the chart: other tests have shorter ones. */
const it = test
  .extend('world', ({ task }, { onCleanup }) => ownWorld({ timing: defaultTiming }, task, onCleanup))
  .extend('pair', async ({ world }) => {
    const leader = world.operator;
    await leader.says('became leader');
    const follower = await world.startOperator();
    await follower.says('new leader: ');
    return { world, leader, follower };
  });

/** Milliseconds from when the leader is ended until the other has made a Job for a Model that the leader never saw. */
async function withoutOperator(
  { world, follower, model }: { world: World; follower: OperatorProcess; model: string },
  end: () => Promise<unknown>,
): Promise<number> {
  const endedAt = performance.now();
  await end();
  await world.applyModel(model);
  await world.jobs.until('a Job', () => world.jobsOf(model)[0]);
  const ms = performance.now() - endedAt;
  await follower.says('became leader');
  return ms;
}

/** What the times are is for the bench to say, and for who reads the log: a test that counts seconds fails on a busy machine. */
function tell(ms: number, after: string): void {
  console.error(`failover: ${(ms / 1000).toFixed(1)} s after ${after}`);
}

describe.concurrent('with the times of the chart', () => {
  const leaseMs = defaultTiming.leaseSeconds * 1000;

  it('the next operator works when the lease of a leader that was killed has run out', async ({ pair }) => {
    const ms = await withoutOperator({ ...pair, model: 'm' }, () => pair.leader.kill());
    tell(ms, 'SIGKILL');
    expect(ms).toBeGreaterThan(defaultTiming.renewSeconds * 1000);
    expect(ms).toBeLessThan(2 * leaseMs);
  });

  it('the next operator works long before that when the leader is asked to end', async ({ pair }) => {
    const end = async () => expect(await pair.leader.stop()).toBe(0);
    const ms = await withoutOperator({ ...pair, model: 'm' }, end);
    tell(ms, 'SIGTERM');
    expect(ms).toBeLessThan(leaseMs / 2);
  });
});
