import { describe, expect, inject, test } from 'vitest';
import { defaultTiming } from '../../src/kube/election-options.ts';
import { showLog } from './it.ts';
import type { OperatorProcess } from './operator-process.ts';
import { World } from './world.ts';

/** Two operators with the times of the chart: other tests have shorter ones. */
const it = test
  .extend('world', async ({ onTestFailed }, { onCleanup }) => {
    const world = await World.start({ kubeconfig: inject('kubeconfig'), timing: defaultTiming });
    onTestFailed(() => showLog(world));
    onCleanup(() => world[Symbol.asyncDispose]());
    return world;
  })
  .extend('pair', async ({ world }) => {
    const leader = world.operator;
    await leader.says('became leader');
    return { world, leader, follower: await startFollower(world) };
  });

async function startFollower(world: World): Promise<OperatorProcess> {
  const follower = await world.startOperator();
  await follower.says('new leader: ');
  return follower;
}

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

const inSeconds = (times: readonly number[]): string => times.map((ms) => (ms / 1000).toFixed(1)).join(', ');

describe.concurrent('with the times of the chart', () => {
  it('the next operator works within 20 s of the death of the leader', async ({ pair }) => {
    const ms = await withoutOperator({ ...pair, model: 'm' }, () => pair.leader.kill());
    console.error(`failover: ${inSeconds([ms])} s after SIGKILL`);
    expect(ms).toBeLessThan(20_000);
  });

  it('the next operator works within 2 s of the stop of the leader', async ({ pair }) => {
    const { world } = pair;
    let leader = pair.leader;
    const times: number[] = [];
    for (const model of ['a', 'b', 'c']) {
      const follower = times.length === 0 ? pair.follower : await startFollower(world);
      const end = async () => expect(await leader.stop()).toBe(0);
      times.push(await withoutOperator({ world, follower, model }, end));
      leader = follower;
    }
    console.error(`failover: ${inSeconds(times)} s after SIGTERM`);
    // The one in the middle: the machine may have been busy with something else for a moment.
    expect(times.toSorted((a, b) => a - b)[1]).toBeLessThan(2_000);
  });
});
