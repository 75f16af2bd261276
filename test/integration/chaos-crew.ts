import { setTimeout as pass } from 'node:timers/promises';
import type { ElectionTiming } from '../../src/kube/election-options.ts';
import { patienceMs } from './eventually.ts';
import type { OperatorProcess } from './operator-process.ts';
import type { Seeded } from './seeded.ts';
import type { World } from './world.ts';
import type { WriteLog } from './write-log.ts';

/** Operators of one world at any time. */
const replicas = 3;

/** What befell the operators, by how often. */
export interface Mishaps {
  killed: number;
  stopped: number;
  /** Stood still for less than the lease. */
  paused: number;
  /** Stood still until another one led, and woke. */
  replaced: number;
}

/** The operators of a world, each with a number under which its writes are noted; one that ended is replaced. */
export class Crew {
  readonly all: OperatorProcess[];
  readonly mishaps: Mishaps = { killed: 0, stopped: 0, paused: 0, replaced: 0 };
  readonly #world: World;
  readonly #log: WriteLog;
  readonly #random: Seeded;
  readonly #timing: ElectionTiming;
  readonly #onMishap: () => void;
  /** Those that stand still. */
  readonly #still = new Set<OperatorProcess>();

  /** The operator that the world was started with is the first one. */
  constructor(parts: {
    world: World;
    log: WriteLog;
    random: Seeded;
    timing: ElectionTiming;
    /** Called at the moment of each. */
    onMishap: () => void;
  }) {
    this.#world = parts.world;
    this.#log = parts.log;
    this.#random = parts.random;
    this.#timing = parts.timing;
    this.#onMishap = parts.onMishap;
    this.all = [parts.world.operator];
  }

  /** All of them are there, and the leader has stood still once, with much to do. */
  async begins(): Promise<void> {
    await this.#fill();
    await this.#log.led();
    await this.#replace({ busyMs: 100, lateMs: 0 });
  }

  /** One mishap after another until then, and all of them over. */
  async suffers(until: number): Promise<void> {
    const pending: Promise<void>[] = [];
    while (performance.now() < until) {
      pending.push(this.#mishap());
      await pass(this.#random.between(500, 2500));
      await this.#fill();
    }
    await Promise.all(pending);
    await this.#fill();
  }

  /** As a Deployment would. */
  async #fill(): Promise<void> {
    while (this.#running().length < replicas)
      this.all.push(this.#world.spawnOperator(await this.#log.letIn()));
  }

  #running(): OperatorProcess[] {
    return this.all.filter(({ running }) => running);
  }

  async #mishap(): Promise<void> {
    const { pick, between } = this.#random;
    const one = pick(this.#running());
    switch (pick(['kill', 'kill', 'stop', 'pause', 'replace', 'replace'] as const)) {
      case 'kill':
        this.#note('killed');
        return one.kill();
      case 'stop':
        this.#note('stopped');
        return void (await one.stop());
      case 'pause': {
        const ms = this.#timing.leaseSeconds * 1000 * between(0.1, 0.9);
        if (this.#still.has(one)) return;
        this.#note('paused');
        const wake = this.#stand(one);
        await pass(ms);
        return wake();
      }
      case 'replace':
        return this.#replace({ busyMs: between(50, 200), lateMs: between(0, 500) });
    }
  }

  /**
   * The leader stands still until another one leads, and wakes. What it had sent before was carried out, and it learns so
   * when it wakes: whatever it was in the midst of, it would go on with at once.
   */
  async #replace({ busyMs, lateMs }: { busyMs: number; lateMs: number }): Promise<void> {
    const number = this.#log.leader ?? -1;
    const leader = this.all[number];
    if (!leader?.running || this.#still.has(leader)) return;
    this.#still.add(leader);
    const answer = this.#log.hold(number);
    await pass(busyMs);
    const wake = this.#stand(leader);
    const replaced = this.#log.led(number).then(() => true);
    const late = await Promise.race([replaced, pass(patienceMs, false, { ref: false })]);
    // It may have been killed meanwhile.
    if (late && leader.running) this.#note('replaced');
    await pass(lateMs);
    answer();
    wake();
  }

  #note(what: keyof Mishaps): void {
    this.mishaps[what] += 1;
    this.#onMishap();
  }

  #stand(one: OperatorProcess): () => void {
    this.#still.add(one);
    const wake = one.pause();
    return () => {
      this.#still.delete(one);
      wake();
    };
  }
}
