import { describe, expect, inject, test } from 'vitest';
import { ElectionWorld, timing, type CandidateProcess } from './leader-election-world.ts';
import { InterruptibleProxy } from './proxy.ts';

const it = test.extend('world', async ({ onTestFailed }, { onCleanup }) => {
  const world = await ElectionWorld.start(inject('kubeconfig'));
  onTestFailed(() => {
    for (const { lines } of world.candidates)
      console.error(lines.map((line) => JSON.stringify(line)).join('\n'));
  });
  onCleanup(() => world[Symbol.asyncDispose]());
  return world;
});

const leaseMs = timing.leaseSeconds * 1000;
/** From a kill to the next leader at the latest, on a busy machine. */
const crashMs = leaseMs + 4000;

/** How long `change` leaves the ledger without a writer, and who writes then. */
async function takeover(
  world: ElectionWorld,
  others: CandidateProcess[],
  change: () => void,
): Promise<{ next: CandidateProcess; ms: number }> {
  const before = performance.now();
  change();
  const next = await world.next(others);
  return { next, ms: performance.now() - before };
}

const lastLine = ({ lines }: CandidateProcess): { level: number; msg: string } | undefined => lines.at(-1);
const error = 50;
const fatal = 60;

describe.concurrent('of several processes', () => {
  it('another one leads soon after each kill of the leader, and not before its lease is over', async ({
    world,
  }) => {
    const first = await world.leader('a');
    const others = await Promise.all(['b', 'c'].map((name) => world.follower(name)));
    const second = await takeover(world, others, () => first.signal('SIGKILL'));
    const rest = others.filter((other) => other !== second.next);
    const third = await takeover(world, rest, () => second.next.signal('SIGKILL'));
    for (const { ms } of [second, third]) expect(ms).toBeLessThan(crashMs);

    expect(world.reigns()).toEqual([first, second.next, third.next].map(({ identity }) => identity));
    const versions = world.lease.versions('election').map(({ spec }) => spec);
    for (const [i, spec] of versions.entries()) {
      const before = versions[i - 1];
      if (!before || spec?.holderIdentity === before.holderIdentity) continue;
      const gapMs = Date.parse(spec?.acquireTime ?? '') - Date.parse(before.renewTime ?? '');
      expect(gapMs).toBeGreaterThanOrEqual(leaseMs - 10);
    }
    expect(versions.at(-1)?.leaseTransitions).toBe(2);
  });

  it('another one leads at once when the leader is told to stop, which ends with 0', async ({ world }) => {
    const first = await world.leader('a');
    const second = await world.follower('b');
    const { ms } = await takeover(world, [second], () => first.signal('SIGTERM'));
    expect(ms).toBeLessThan(leaseMs / 2);
    expect(await first.exit).toBe(0);
    expect(lastLine(first)?.msg).toBe('lease released');
    expect(world.lease.versions('election').some(({ spec }) => spec?.holderIdentity === '')).toBe(true);
    expect(world.reigns()).toEqual([first.identity, second.identity]);
  });

  it('one that slept past its lease writes nothing when it wakes, and ends with one clear line', async ({
    world,
  }) => {
    const first = await world.leader('a');
    const second = await world.follower('b');
    await takeover(world, [second], () => first.signal('SIGUSR2'));
    const said = first.lines.length;
    first.signal('SIGCONT');
    expect(await first.exit).toBe(1);
    const lines = first.lines.slice(said);
    expect(lines.map(({ msg }) => msg)).toContain('write refused');
    expect(lines.filter(({ level }) => level >= error)).toEqual([
      expect.objectContaining({
        msg: `lease ${world.namespace}/election: not renewed for ${timing.renewSeconds} s`,
      }),
    ]);
    expect(lines.at(-1)?.level).toBe(fatal);
    await world.writes(second);
    expect(world.reigns()).toEqual([first.identity, second.identity]);
  });

  it('one that is told to stop while it waits ends at once and leaves the lease alone', async ({ world }) => {
    const first = await world.leader('a');
    const second = await world.follower('b');
    second.signal('SIGTERM');
    expect(await second.exit).toBe(0);
    await world.writes(first);
    expect(world.lease.get('election')?.spec?.holderIdentity).toBe(first.identity);
  });
});

describe.concurrent('a leader that cannot reach the API server', () => {
  const itBehindProxy = it.extend('proxy', async ({}, { onCleanup }) => {
    const proxy = await InterruptibleProxy.start(inject('kubeconfig'));
    onCleanup(() => proxy[Symbol.asyncDispose]());
    return proxy;
  });

  itBehindProxy('steps down by its own clock, and ends with one clear line', async ({ world, proxy }) => {
    const first = await world.leader('a', proxy.kubeconfig);
    const second = await world.follower('b');
    await takeover(world, [second], () => void proxy.down());
    expect(await first.exit).toBe(1);
    // Not because it saw the other one.
    expect(lastLine(first)).toMatchObject({
      level: fatal,
      msg: `lease ${world.namespace}/election: not renewed for ${timing.renewSeconds} s`,
    });
    await proxy.up();
    expect(world.reigns()).toEqual([first.identity, second.identity]);
  });

  itBehindProxy('goes on leading when the connection is cut and comes back', async ({ world, proxy }) => {
    const first = await world.leader('a', proxy.kubeconfig);
    await world.follower('b');
    for (let cuts = 0; cuts < 5; cuts += 1) {
      proxy.cut();
      await world.writes(first);
    }
    const { renewTime = '' } = world.lease.get('election')?.spec ?? {};
    await world.lease.untilOne('election', ({ spec }) => (spec?.renewTime ?? '') > renewTime);
    expect(world.reigns()).toEqual([first.identity]);
  });
});
