import { describe, expect, inject, test } from 'vitest';
import { leases } from '../../src/kube/builtin.ts';
import { eventually } from './eventually.ts';
import { expectReadyOnce } from './expect-ready-once.ts';
import { ownWorld } from './it.ts';
import type { OperatorProcess } from './operator-process.ts';
import { RequestLog } from './request-log.ts';
import { weights } from './weights.ts';
import type { World } from './world.ts';

/** Two operators of one namespace. */
interface Pair {
  world: World;
  leader: OperatorProcess;
  follower: OperatorProcess;
  /** What each asks of the API server. */
  requests: { leader: RequestLog; follower: RequestLog };
}

/** Long enough for a busy machine to renew in time. */
const timing = { leaseSeconds: 10, renewSeconds: 8, retrySeconds: 0.5 };

/** Events left out. */
const writesOf = (requests: readonly { method: string; path: string }[]): string[] =>
  requests
    .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/events'))
    .map(({ method, path }) => `${method} ${path}`);

const it = test
  .extend('requests', async ({}, { onCleanup }) => {
    const kubeconfig = inject('kubeconfig');
    const [leader, follower] = await Promise.all([
      RequestLog.start(kubeconfig),
      RequestLog.start(kubeconfig),
    ]);
    onCleanup(async () => {
      await Promise.all([leader[Symbol.asyncDispose](), follower[Symbol.asyncDispose]()]);
    });
    return { leader, follower };
  })
  .extend('world', ({ requests, task }, { onCleanup }) =>
    ownWorld({ operatorKubeconfig: requests.leader.kubeconfig, timing }, task, onCleanup),
  )
  .extend('pair', async ({ requests, world }): Promise<Pair> => {
    const leader = world.operator;
    await leader.says('became leader');
    const follower = await world.startOperator(requests.follower.kubeconfig);
    await follower.says('new leader: ');
    return { world, leader, follower, requests };
  });

const content = weights({ sizeBytes: 1_000_000_000 });
const crowd = Array.from({ length: 6 }, (_, i) => `m${i}`);

/** Resolves when there is something to do for every one of the crowd, and much of it is on its way. */
async function crowdInFlight(world: World, isInFlight = () => aPullJob(world)): Promise<void> {
  for (const name of crowd) world.kubelet.provides(name, content);
  await Promise.all([...crowd.map((name) => world.applyModel(name)), isInFlight()]);
}

const aPullJob = (world: World): Promise<unknown> =>
  world.jobs.until('a pull Job', () => world.jobs.made().some((name) => name.includes('-pull-')));

async function expectCrowdReadyOnce(world: World): Promise<void> {
  await Promise.all(crowd.map((name) => expectReadyOnce(world, name, content.publication)));
}

const error = 50;
const errorsOf = ({ lines }: OperatorProcess) => lines.filter(({ level }) => level >= error);

describe.concurrent('of two operators', () => {
  it('only the leader writes, and the other goes on when it is killed', async ({ pair }) => {
    const { world, leader, follower, requests } = pair;
    await crowdInFlight(world);
    expect(writesOf(requests.follower.sent)).toEqual([]);
    await leader.kill();
    await expectCrowdReadyOnce(world);
    expect(writesOf(requests.follower.sent)).not.toEqual([]);
    expect(errorsOf(follower)).toEqual([]);
  });

  it('the other goes on at once when the leader is told to stop, which ends with 0', async ({ pair }) => {
    const { world, leader, follower } = pair;
    await crowdInFlight(world);
    const before = performance.now();
    expect(await leader.stop()).toBe(0);
    await follower.says('became leader');
    // Not when the lease has run out.
    expect(performance.now() - before).toBeLessThan((timing.leaseSeconds * 1000) / 2);
    const said = leader.lines.map(({ msg }) => msg);
    expect(said.slice(-3)).toEqual(['controller stopped', 'lease released', 'operator stopped']);
    expect(said.filter((msg) => msg === 'controller stopped').length).toBe(2);
    await expectCrowdReadyOnce(world);
    expect([...errorsOf(leader), ...errorsOf(follower)]).toEqual([]);
  });

  it('one that slept past its lease writes nothing when it wakes, and ends with one clear line', async ({
    pair,
  }) => {
    const { world, leader, follower, requests } = pair;
    // In the midst of a reconcile of each, with a write that is carried out and not answered yet: none is on its way
    // when the process stops, and each would write again right after it wakes.
    requests.leader.hold();
    await crowdInFlight(world, () =>
      eventually(() => expect(writesOf(requests.leader.held).length).toBe(crowd.length)),
    );
    const wake = leader.pause();
    await follower.says('became leader');
    const before = writesOf(requests.leader.sent);
    requests.leader.release();
    wake();
    expect(await leader.exit).toBe(1);
    expect(writesOf(requests.leader.sent)).toEqual(before);
    const msg = `lease ${world.namespace}/longshore-operator: not renewed for ${timing.renewSeconds} s`;
    expect(errorsOf(leader)).toEqual([expect.objectContaining({ msg })]);
    await expectCrowdReadyOnce(world);
    const { spec } = await world.client.get(leases, world.ref('longshore-operator'));
    expect(spec?.leaseTransitions).toBe(1);
  });
});
