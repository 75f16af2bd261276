import { expect, inject, test } from 'vitest';
import { Crew } from './chaos-crew.ts';
import { Crowd } from './chaos-crowd.ts';
import { ownWorld } from './it.ts';
import { seeded } from './seeded.ts';
import { WriteLog } from './write-log.ts';

/** The suite runs a short form; docs/reliability.md has the figures. */
const size = Number(process.env['LONGSHORE_CHAOS_MODELS'] ?? 24);
const seconds = Number(process.env['LONGSHORE_CHAOS_SECONDS'] ?? 12);
const seed = Number(process.env['LONGSHORE_CHAOS_SEED'] ?? Date.now() % 1_000_000);
const patienceMs = 60_000 + size * 500;
const timing = { leaseSeconds: 2, renewSeconds: 1.4, retrySeconds: 0.3 };

test(
  `operators that are killed and stand still lose nothing (seed ${seed})`,
  { timeout: seconds * 1000 + 2 * patienceMs },
  async ({ task, onTestFinished }) => {
    const log = await WriteLog.start(inject('kubeconfig'));
    onTestFinished(() => log[Symbol.asyncDispose]());
    const world = await ownWorld({ operatorKubeconfig: await log.letIn(), timing }, task, onTestFinished);
    const crowd = new Crowd({ world, size, random: seeded(seed + 1) });
    /** How many Models a mishap met, by where they stood, all mishaps taken together. */
    const met: Record<string, number> = {};
    const onMishap = (): void => {
      for (const phase of crowd.phases()) met[phase] = (met[phase] ?? 0) + 1;
    };
    const crew = new Crew({ world, log, timing, onMishap, random: seeded(seed) });

    await Promise.all([crowd.begins(), crew.begins()]);
    const end = performance.now() + seconds * 1000;
    await Promise.all([crowd.changes(end), crew.suffers(end)]);
    await crowd.settles(patienceMs);
    console.error(
      `chaos: ${crew.all.length} operators, ${JSON.stringify(crew.mishaps)}, meeting ${JSON.stringify(met)};`,
      `${log.reigns.length} reigns, ${log.writes.length} writes, ${log.late.length} of them late;`,
      `all was right ${((performance.now() - end) / 1000).toFixed(1)} s after the last change`,
    );

    crowd.expectNothingTwice();
    crowd.expectStatusesForward();
    // Nobody writes after another one led. What had its last look at the fence right before its process was stopped is
    // one request at most, and changes nothing that is there.
    expect(log.late.filter(({ status }) => status === undefined || status === 200)).toEqual([]);
    for (const late of Map.groupBy(log.late, ({ writer }) => writer).values()) expect(late.length).toBe(1);
    expect(crew.mishaps.replaced).toBeGreaterThan(0);
    for (const operator of crew.all.filter(({ running }) => !running))
      // SIGTERM: before it had a handler for that.
      expect(['SIGKILL', 'SIGTERM', 0, 1]).toContain(await operator.exit);
  },
);
