import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderElection } from './leader-election.ts';
import { holderOf } from './lease.ts';
import { recordLog } from './testing/logs.ts';
import { Machine, Simulation } from './testing/simulation.ts';
import type { Clocks, Fate } from './testing/simulation.ts';

const faultsEndAt = 150_000;
/** A request that hangs, a lease by the slowest clock, two looks at it, and a restart. */
const leaderWithinMs = 30_000;
const restartMs = 1000;

const clocks: fc.Arbitrary<Clocks> = fc.record({
  // The fastest against the slowest is less than 15 : 10.
  rate: fc.double({ min: 0.85, max: 1.2, noNaN: true }),
  offsetMs: fc.nat(1_000_000),
  dateRate: fc.constantFrom(1, 1, 0, -1, 50),
  dateOffsetMs: fc.integer({ min: -1e9, max: 1e9 }),
});
const fate: fc.Arbitrary<Fate> = fc.record({
  end: fc.constantFrom(
    'answered',
    'answered',
    'answered',
    'refused',
    'carried out, answer lost',
    'carried out, connection cut',
  ),
  // Long enough to arrive when the sender has given it up, and tried again.
  there: fc.oneof(fc.nat(50), fc.nat(12_000)),
  back: fc.oneof(fc.nat(50), fc.nat(12_000)),
});
const mishap = fc.record({
  kind: fc.constantFrom('pause', 'pause', 'kill', 'stop'),
  who: fc.nat(3),
  at: fc.nat(110_000),
  ms: fc.nat(40_000),
});
const story = fc.record({
  machines: fc.array(clocks, { minLength: 2, maxLength: 4 }),
  fates: fc.array(fate, { minLength: 1, maxLength: 40 }),
  mishaps: fc.array(mishap, { maxLength: 12 }),
});
type Story = typeof story extends fc.Arbitrary<infer S> ? S : never;

/** A place in which a candidate runs, and a new one when it has ended. */
class Place {
  machine: Machine;
  election: LeaderElection;
  #stop = new AbortController();
  readonly #world: Simulation;
  readonly #clocks: Clocks;
  readonly elections: LeaderElection[] = [];

  constructor(world: Simulation, clocks: Clocks) {
    this.#world = world;
    this.#clocks = clocks;
    [this.machine, this.election] = this.#start();
  }

  kill(): void {
    this.machine.dead = true;
    this.#again();
  }

  stop(): void {
    this.#stop.abort();
  }

  #start(): [Machine, LeaderElection] {
    const machine = new Machine(this.#world, this.#clocks);
    const election = new LeaderElection({
      client: machine.client,
      clock: machine.clock,
      lease: { namespace: 'n', name: 'l' },
      log: recordLog(),
    });
    this.elections.push(election);
    this.#stop = new AbortController();
    const ended = (): void => this.#again();
    election.start(this.#stop.signal).then(ended, ended);
    return [machine, election];
  }

  #again(): void {
    this.#world.at(this.#world.now + restartMs, () => ([this.machine, this.election] = this.#start()));
  }
}

async function tell({ machines, fates, mishaps }: Story): Promise<{ world: Simulation; leader?: string }> {
  const world = new Simulation();
  let requests = 0;
  const healthy: Fate = { end: 'answered', there: 5, back: 5 };
  world.fate = () => (world.now < faultsEndAt && fates[(requests += 1) % fates.length]) || healthy;
  const places = machines.map((clocks) => new Place(world, clocks));
  for (const { kind, who, at, ms } of mishaps) {
    const place = places[who % places.length];
    if (kind === 'pause') world.at(at, () => place?.machine.pause(ms));
    else world.at(at, () => place?.[kind]());
  }
  // Also the killed and the stopped: nobody's word for it is taken that it has ended.
  const leading = (): LeaderElection[] =>
    places.flatMap(({ elections }) => elections.filter((election) => election.isLeader));
  await world.advance(faultsEndAt + leaderWithinMs, () => {
    const all = leading();
    if (all.length > 1) throw new Error(`${all.length} lead at ${world.now} ms`);
  });
  const leader = leading()[0]?.identity;
  return { world, ...(leader === undefined ? {} : { leader }) };
}

describe('candidates with clocks of their own, on a bad network, stopped and killed', () => {
  it('never lead two at a time, and one leads soon after the trouble is over', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (story) => {
        const { world, leader } = await tell(story);
        expect(leader).toBeDefined();
        expect(holderOf(world.lease ?? {})).toBe(leader);
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  it('leave a Lease that tells who has held it since when, and how often that changed', async () => {
    await fc.assert(
      fc.asyncProperty(story, async (story) => {
        const { versions } = (await tell(story)).world;
        for (const [i, version] of versions.entries()) {
          const [before, now] = [versions[i - 1]?.spec, version?.spec];
          if (!now?.holderIdentity) continue;
          const sameHolder = before?.holderIdentity === now.holderIdentity;
          const { leaseTransitions = -1, acquireTime } = before ?? {};
          expect(now.leaseTransitions).toBe(sameHolder ? leaseTransitions : leaseTransitions + 1);
          expect(now.acquireTime).toBe(sameHolder ? acquireTime : now.renewTime);
        }
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});
