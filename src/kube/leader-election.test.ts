import { describe, expect, it } from 'vitest';
import type { ElectionTiming } from './election-options.ts';
import { NotLeaderError } from './fence.ts';
import { LeaderElection } from './leader-election.ts';
import type { KubeObject, Live } from './kind.ts';
import { recordLog } from './testing/logs.ts';
import { Machine, Simulation, trueClocks } from './testing/simulation.ts';
import type { Clocks, Fate } from './testing/simulation.ts';

const answered: Fate = { end: 'answered', there: 5, back: 5 };
const refused: Fate = { end: 'refused', there: 0, back: 0 };
const hanging: Fate = { end: 'carried out, answer lost', there: 5, back: 0 };

interface CandidateChoices {
  instance?: string;
  timing?: Partial<ElectionTiming>;
  clocks?: Partial<Clocks>;
}

function candidate(world: Simulation, { instance = 'a', timing, clocks }: CandidateChoices = {}) {
  const machine = new Machine(world, { ...trueClocks, ...clocks });
  const log = recordLog();
  const events: { regarding: Live<KubeObject>; note: string }[] = [];
  const election = new LeaderElection({
    client: machine.client,
    clock: machine.clock,
    lease: { namespace: 'n', name: 'l' },
    log,
    instance,
    timing,
    events: { record: (regarding, { note }) => void events.push({ regarding, note }) },
  });
  const stop = new AbortController();
  const outcome: { ended?: unknown; at?: number } = {};
  const end = (ended: unknown): void => void Object.assign(outcome, { ended, at: world.now });
  election.start(stop.signal).then(() => end('resolved'), end);
  return { machine, election, log, events, outcome, stop: () => stop.abort() };
}

const elsewhere = {
  holderIdentity: 'other',
  leaseDurationSeconds: 15,
  // Of a clock that is years ahead.
  acquireTime: '2099-01-01T00:00:00.000000Z',
  renewTime: '2099-01-01T00:00:00.000000Z',
  leaseTransitions: 3,
};

/** When the election is first the leader's, to the tenth of a second. */
async function leadsAt(world: Simulation, { election }: { election: LeaderElection }): Promise<number> {
  while (!election.isLeader && world.now < 100_000) await world.advance(world.now + 100);
  return world.now / 1000;
}

describe('a candidate', () => {
  it('makes the Lease when there is none, and leads', async () => {
    const world = new Simulation();
    const { election, log, events } = candidate(world, { instance: 'longshore-0' });
    expect(() => election.check()).toThrow(new NotLeaderError('lease n/l: not taken yet'));
    await world.advance(100);
    await election.acquired;
    expect(() => election.check()).not.toThrow();
    expect(election.identity).toMatch(/^longshore-0_[0-9a-f-]{36}$/);
    expect(world.lease?.spec).toEqual({
      holderIdentity: election.identity,
      leaseDurationSeconds: 15,
      acquireTime: '2030-01-01T00:00:00.010000Z',
      renewTime: '2030-01-01T00:00:00.010000Z',
      leaseTransitions: 0,
    });
    expect(log.lines).toEqual(['info: waiting for the lease', 'info: became leader']);
    expect(events).toEqual([{ regarding: world.lease, note: `${election.identity} became leader` }]);
  });

  it('takes a lease that it saw unrenewed for as long as its holder has it, whatever its dates say', async () => {
    const world = new Simulation();
    world.write('create', { spec: elsewhere });
    const late = candidate(world, { clocks: { dateOffsetMs: 1e12 } });
    await world.advance(10_000);
    expect(() => late.election.check()).toThrow('lease n/l: held by other');
    expect(late.election.leader).toBe('other');
    expect(await leadsAt(world, late)).toBeCloseTo(15.1, 0);
    expect(world.lease?.spec).toMatchObject({ leaseTransitions: 4, holderIdentity: late.election.identity });
    expect(late.log.lines).toContain('info: new leader: other');
  });

  it('counts from the last change that it saw', async () => {
    const world = new Simulation();
    world.write('create', { spec: elsewhere });
    const late = candidate(world);
    await world.advance(10_000);
    const { resourceVersion } = world.lease?.metadata ?? {};
    // A clock that was set back, and the same time once more.
    world.write('patch', {
      metadata: { resourceVersion },
      spec: { renewTime: '2000-01-01T00:00:00.000000Z' },
    });
    const again = world.lease?.metadata.resourceVersion;
    world.write('patch', {
      metadata: { resourceVersion: again },
      spec: { renewTime: elsewhere.renewTime },
    });
    expect(await leadsAt(world, late)).toBeGreaterThan(25);
  });

  it.each([
    { theirs: 40, own: 15, at: 40 },
    { theirs: 4, own: 15, at: 4 },
  ])('waits $theirs s for a holder that has it for so long, itself $own s', async ({ theirs, own, at }) => {
    const world = new Simulation();
    world.write('create', { spec: { ...elsewhere, leaseDurationSeconds: theirs } });
    const late = candidate(world, { timing: { leaseSeconds: own } });
    expect(await leadsAt(world, late)).toBeCloseTo(at, 0);
  });

  it('takes a released lease at its next look', async () => {
    const world = new Simulation();
    const first = candidate(world);
    await world.advance(1000);
    const second = candidate(world);
    await world.advance(60_000);
    expect(second.election.leader).toBe(first.election.identity);
    first.stop();
    const at = await leadsAt(world, second);
    expect(at).toBeLessThan(60 + 1.2 + 0.2);
    expect(first.outcome.ended).toBe('resolved');
    expect(world.lease?.spec?.leaseTransitions).toBe(1);
  });

  it('waits for the holder of a Lease that is deleted, who makes it again', async () => {
    const world = new Simulation();
    const leader = candidate(world);
    await world.advance(1000);
    const acquireTime = world.lease?.spec?.acquireTime;
    const follower = candidate(world);
    await world.advance(10_500);
    world.delete();
    const look = (): void => expect(follower.election.isLeader).toBe(false);
    await world.advance(20_000, look);
    expect(world.lease?.spec).toMatchObject({ acquireTime, holderIdentity: leader.election.identity });
    leader.machine.dead = true;
    world.delete();
    await world.advance(34_000, look);
    expect(await leadsAt(world, follower)).toBeLessThan(40);
  });

  it('says at first and each minute that it cannot reach the lease, and goes on trying', async () => {
    const world = new Simulation();
    world.fate = () => refused;
    const { election, log } = candidate(world);
    const warnings = (): string[] => log.lines.filter((line) => line.startsWith('warn'));
    await world.advance(50_000);
    expect(warnings()).toEqual(['warn: no look at the lease']);
    await world.advance(100_000);
    expect(warnings().length).toBe(2);
    world.fate = () => answered;
    await world.advance(103_000);
    expect(election.isLeader).toBe(true);
  });

  it('that hears too late that it has the lease renews it before it leads', async () => {
    const world = new Simulation();
    const { machine, election, outcome } = candidate(world);
    await world.advance(12);
    machine.pause(14_000);
    await world.advance(14_011);
    expect(world.versions.length).toBe(1);
    expect(election.isLeader).toBe(false);
    await world.advance(20_000);
    expect(election.isLeader).toBe(true);
    expect(outcome).toEqual({});
  });

  it('that is stopped before it led writes nothing, unless a write of its own may have been carried out', async () => {
    const world = new Simulation();
    world.write('create', { spec: elsewhere });
    const follower = candidate(world);
    await world.advance(1000);
    follower.stop();
    await world.advance(2000);
    expect(follower.outcome.ended).toBe('resolved');
    expect(world.versions.length).toBe(1);

    const empty = new Simulation();
    const fates = [answered, hanging];
    empty.fate = () => fates.shift() ?? answered;
    const unsure = candidate(empty);
    await empty.advance(1000);
    expect(unsure.election.isLeader).toBe(false);
    unsure.stop();
    await empty.advance(2000);
    expect(empty.lease?.spec?.holderIdentity).toBe('');
  });
});

describe('a leader', () => {
  async function aLeader(choices: CandidateChoices = {}) {
    const world = new Simulation();
    const leader = candidate(world, choices);
    await world.advance(1000);
    await leader.election.acquired;
    return { world, ...leader };
  }

  it('renews every two seconds with one request, and keeps since when it leads', async () => {
    const { world, election } = await aLeader();
    let requests = 0;
    world.fate = () => {
      requests += 1;
      return answered;
    };
    await world.advance(101_000);
    expect(requests).toBe(50);
    const { acquireTime, renewTime, leaseTransitions } = world.lease?.spec ?? {};
    expect({ acquireTime, renewTime, leaseTransitions }).toEqual({
      acquireTime: '2030-01-01T00:00:00.010000Z',
      renewTime: expect.stringMatching(/^2030-01-01T00:01:4/) as string,
      leaseTransitions: 0,
    });
    expect(election.isLeader).toBe(true);
  });

  it('survives an outage that is shorter than its deadline, and a request that hangs', async () => {
    const { world, election, log } = await aLeader();
    world.fate = () => refused;
    await world.advance(8000);
    world.fate = () => answered;
    await world.advance(30_000);
    expect(election.isLeader).toBe(true);
    const fates = [hanging];
    world.fate = () => fates.shift() ?? answered;
    await world.advance(60_000);
    expect(election.isLeader).toBe(true);
    expect(log.lines).toContain('warn: lease was not renewed');
  });

  it('is none any more 10 s after it sent its last renewal, and leaves the lease to run out', async () => {
    const { world, election, outcome } = await aLeader();
    const sentAt = 10 + 2 * 2010;
    await world.advance(sentAt + 100);
    const { renewTime } = world.lease?.spec ?? {};
    const before = world.versions.length;
    world.fate = () => refused;
    await world.advance(sentAt + 9999);
    expect(election.isLeader).toBe(true);
    expect(election.lost.aborted).toBe(false);
    await world.advance(sentAt + 10_001);
    expect(outcome.at).toBeCloseTo(sentAt + 10_000, 0);
    expect(outcome.ended).toEqual(new NotLeaderError('lease n/l: not renewed for 10 s'));
    expect((outcome.ended as Error).cause).toMatchObject({ reason: 'Unreachable' });
    expect(election.lost.reason).toBe(outcome.ended);
    expect(() => election.check()).toThrow('lease n/l: not renewed for 10 s');
    world.fate = () => answered;
    await world.advance(60_000);
    expect(world.versions.length).toBe(before);
    expect(world.lease?.spec?.renewTime).toBe(renewTime);
  });

  it('knows when it wakes that it slept too long, before anything else happens', async () => {
    const { world, election, machine, outcome } = await aLeader();
    machine.pause(60_000);
    await world.advance(60_500);
    expect(election.lost.aborted).toBe(false);
    expect(() => election.check()).toThrow(new NotLeaderError('lease n/l: not renewed for 10 s'));
    await world.advance(62_000);
    expect(outcome.ended).toEqual(new NotLeaderError('lease n/l: not renewed for 10 s'));
  });

  it('ends when it sees another holder, and when somebody cleared the lease', async () => {
    for (const [holderIdentity, by] of [
      ['other', 'other'],
      ['', 'nobody'],
    ] as const) {
      const { world, outcome, log } = await aLeader();
      const { resourceVersion } = world.lease?.metadata ?? {};
      world.write('patch', { metadata: { resourceVersion }, spec: { holderIdentity } });
      await world.advance(4000);
      expect(outcome.ended).toEqual(new NotLeaderError(`lease n/l: now held by ${by}`));
      expect(log.lines.at(-1)).toBe(by === 'other' ? 'info: new leader: other' : 'info: nobody leads');
    }
  });

  it('goes on when somebody annotated the Lease', async () => {
    const { world, election } = await aLeader();
    const { resourceVersion } = world.lease?.metadata ?? {};
    world.write('patch', { metadata: { resourceVersion }, spec: { strategy: 'annotated' } });
    await world.advance(20_000);
    expect(election.isLeader).toBe(true);
  });

  it('that is stopped leaves the Lease without holder, then resolves', async () => {
    const { world, election, outcome, stop, log } = await aLeader();
    stop();
    expect(election.isLeader).toBe(true);
    await world.advance(1001);
    expect(() => election.check()).toThrow(new NotLeaderError('lease n/l: given up by this process'));
    expect(outcome).toEqual({});
    await world.advance(60_000);
    expect(outcome.ended).toBe('resolved');
    expect(world.lease?.spec).toMatchObject({
      holderIdentity: '',
      leaseDurationSeconds: 1,
      leaseTransitions: 0,
    });
    expect(log.lines.at(-1)).toBe('info: lease released');
  });

  it('releases also when a renewal of its own is still on its way', async () => {
    const { world, stop, outcome } = await aLeader();
    const fates: Fate[] = [{ end: 'answered', there: 30, back: 5 }];
    world.fate = () => fates.shift() ?? { end: 'answered', there: 20, back: 5 };
    // The renewal is sent at 2020 and arrives between the reading and the clearing.
    await world.advance(2022);
    expect(fates.length).toBe(0);
    stop();
    await world.advance(60_000);
    expect(outcome.ended).toBe('resolved');
    expect(world.lease?.spec?.holderIdentity).toBe('');
  });

  it('that cannot release says so and ends', async () => {
    const { world, stop, outcome, log } = await aLeader();
    world.fate = () => hanging;
    stop();
    await world.advance(7000);
    expect(outcome.ended).toBe('resolved');
    expect(log.lines.at(-1)).toBe('warn: lease was not released: the next leader waits until it has run out');
  });
});

describe('the timing of an election', () => {
  it.each([
    {
      timing: { leaseSeconds: 1.5, renewSeconds: 1, retrySeconds: 0.1 },
      says: 'leaseSeconds is a whole number',
    },
    { timing: { leaseSeconds: 0 }, says: 'leaseSeconds is a whole number above 0' },
    { timing: { leaseSeconds: 10 }, says: 'renewSeconds is less than leaseSeconds' },
    { timing: { renewSeconds: 2.4 }, says: 'renewSeconds is more than 1.2 times retrySeconds' },
    { timing: { retrySeconds: 0 }, says: 'retrySeconds is above 0' },
    { timing: { renewSeconds: Number.NaN }, says: 'renewSeconds is less than leaseSeconds' },
  ])('is refused when it is $timing', ({ timing, says }) => {
    const { client } = new Machine(new Simulation());
    const lease = { namespace: 'n', name: 'l' };
    expect(() => new LeaderElection({ client, lease, log: recordLog(), timing })).toThrow(says);
  });
});
