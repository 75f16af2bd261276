import { expect } from 'vitest';
import { eventually } from './eventually.ts';
import { it } from './it.ts';
import type { World } from './world.ts';

/** Name and labels -> value, as Prometheus reads them. */
async function metricsOf({ operator }: World): Promise<Map<string, number>> {
  const answers = operator.lines.find(({ msg }) => msg.startsWith('answers '));
  const { port } = new URL((answers as unknown as { address: string }).address);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.replace(/ \S+$/, ''), Number(/\S+$/.exec(line)?.[0])]));
}

/** How many wait, and how many are worked on. */
const atWork = /^(controller_runtime_active_workers|workqueue_depth)\{/;

it('the operator tells how its queues and controllers do, and of no object by name', async ({ world }) => {
  // What was there before it is nobody's wish.
  await world.operator.says('controller started');
  await world.readyModel('measured');
  // The last reconciles may still run: what is looked at is one answer, of when there was nothing to do.
  const metrics = await eventually(async () => {
    const seen = await metricsOf(world);
    const busy = [...seen].filter(([sample, value]) => atWork.test(sample) && value !== 0);
    expect(busy).toEqual([]);
    return seen;
  });
  const value = (sample: string): number => metrics.get(sample) ?? Number.NaN;
  expect(value('controller_runtime_active_workers{controller="model"}')).toBe(0);
  expect(value('workqueue_depth{name="model",priority="user"}')).toBe(0);
  expect(value('workqueue_depth{name="modelserver",priority="event"}')).toBe(0);
  const reconciles = value('controller_runtime_reconcile_time_seconds_count{controller="model"}');
  expect(reconciles).toBeGreaterThan(0);
  expect(value('workqueue_work_duration_seconds_count{name="model"}')).toBe(reconciles);
  expect(value('workqueue_adds_total{name="model"}')).toBe(reconciles);
  // Somebody made the Model; all that followed was the cluster's doing, or ours.
  expect(value('workqueue_queue_duration_seconds_count{name="model",priority="user"}')).toBe(1);
  expect(value('workqueue_queue_duration_seconds_count{name="model",priority="event"}')).toBe(reconciles - 1);
  expect(value('controller_runtime_reconcile_total{controller="model",result="success"}')).toBeGreaterThan(0);
  expect(value('controller_runtime_reconcile_errors_total{controller="model"}')).toBe(
    value('controller_runtime_reconcile_total{controller="model",result="error"}'),
  );
  expect(value('controller_runtime_max_concurrent_reconciles{controller="model"}')).toBe(9);
  expect(value('workqueue_unfinished_work_seconds{name="modelserver"}')).toBe(0);
  expect(value('workqueue_longest_running_processor_seconds{name="modelserver"}')).toBe(0);
  expect(value('workqueue_retries_total{name="modelserver"}')).toBe(0);
  expect([...metrics.keys()].filter((sample) => sample.includes('measured'))).toEqual([]);
});
