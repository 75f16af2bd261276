import { setTimeout as delay } from 'node:timers/promises';
import * as fc from 'fast-check';
import { expect, inject } from 'vitest';
import { connect, type KubeClient } from '../../src/kube/client.ts';
import { Informer } from '../../src/kube/informer.ts';
import { recordLog } from '../../src/kube/testing/logs.ts';
import { Story, versionsOf } from '../../src/kube/testing/story.ts';
import { configMaps, it as withNamespace, type ConfigMap } from './config-maps.ts';
import { eventually } from './eventually.ts';
import { FaultyProxy, openFaults, requestFaults, type OpenFault, type RequestFault } from './faulty-proxy.ts';

/** How long schedules are tried; `LONGSHORE_FAULT_SECONDS=600` for a thorough run. */
const seconds = Number(process.env['LONGSHORE_FAULT_SECONDS'] ?? 8);

/** `observed`: the informer is given the answer, as the operator's own writes are. */
type Step =
  | { do: 'write'; name: string; observed: boolean }
  | { do: 'delete'; name: string }
  | { do: 'next'; faults: RequestFault[]; cut: boolean }
  | { do: 'now'; fault: OpenFault }
  | { do: 'wait'; ms: number };

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('write'), name, observed: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('delete'), name }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('next'),
        faults: fc.array(fc.constantFrom(...requestFaults), { minLength: 1, maxLength: 4 }),
        cut: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('now'), fault: fc.constantFrom(...openFaults) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.nat(40) }) },
  ),
  { minLength: 30, maxLength: 120, size: 'max' },
);

const it = withNamespace.extend('proxy', async ({}, { onCleanup }) => {
  const proxy = await FaultyProxy.start(inject('kubeconfig'));
  onCleanup(() => proxy[Symbol.asyncDispose]());
  return proxy;
});

/** One informer, from its start through a schedule until it is where the server is. */
class Run {
  readonly story = new Story<ConfigMap>();
  readonly log = recordLog();
  readonly #client: KubeClient;
  readonly #near: KubeClient;
  readonly #proxy: FaultyProxy;
  readonly #namespace: string;
  readonly #informer: Informer<ConfigMap>;

  constructor(
    { proxy, client, namespace }: { proxy: FaultyProxy; client: KubeClient; namespace: string },
    streamLists: boolean,
  ) {
    this.#client = client;
    this.#proxy = proxy;
    this.#namespace = namespace;
    this.#near = connect(proxy.config, { fieldManager: 'faults', requestTimeoutMs: 300 });
    const timing = { watchSeconds: 1, silenceMs: 300, backoff: { baseMs: 5, capMs: 50 } };
    const { log } = this;
    this.#informer = new Informer({
      client: this.#near,
      kind: configMaps,
      log,
      namespace,
      timing,
      streamLists,
    });
    this.#informer.onChange(this.story.hear);
  }

  async through(steps: readonly Step[]): Promise<void> {
    const stop = new AbortController();
    const running = this.#informer.start(stop.signal);
    try {
      for (const step of steps) await this.#step(step);
      this.#proxy.heal();
      await this.#settled();
    } finally {
      stop.abort();
      await running;
      await this.#near.close();
    }
  }

  /** How many of the log's lines say so. */
  interruptions(): number {
    return this.log.lines.filter((line) => line.includes('interrupted')).length;
  }

  async #step(step: Step): Promise<void> {
    switch (step.do) {
      case 'write':
        return this.#write(step);
      case 'delete':
        return this.#client.delete(configMaps, { namespace: this.#namespace, name: step.name });
      case 'next':
        this.#proxy.next(...step.faults);
        // Else they are met when the watch has run out.
        if (step.cut) this.#proxy.now('cut');
        return;
      case 'now':
        return this.#proxy.now(step.fault);
      case 'wait':
        await delay(step.ms);
    }
  }

  async #write({ name, observed }: { name: string; observed: boolean }): Promise<void> {
    const data = { value: String((writes += 1)) };
    const answer = await this.#client.apply(configMaps, {
      metadata: { name, namespace: this.#namespace },
      data,
    });
    if (observed) this.#informer.observe(answer);
  }

  async #settled(): Promise<void> {
    await this.#write({ name: 'last', observed: false });
    const { items } = await this.#client.list(configMaps, { namespace: this.#namespace });
    const truth = versionsOf(items);
    await eventually(() => expect(versionsOf(this.#informer.list())).toEqual(truth), 10_000);
    expect(this.story.present()).toEqual(truth);
    expect(this.story.faults).toEqual([]);
    expect(this.log.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  }
}
let writes = 0;

it(
  'a cache ends where the server is, and its handlers were told all of it once and in order, whatever goes wrong',
  async ({ proxy, client, namespace }) => {
    let operations = 0;
    let interruptions = 0;
    let runs = 0;
    const property = fc.asyncProperty(steps, fc.boolean(), async (schedule, streamLists) => {
      const run = new Run({ proxy, client, namespace }, streamLists);
      await run.through(schedule);
      runs += 1;
      operations += schedule.length;
      interruptions += run.interruptions();
    });
    const end = performance.now() + seconds * 1000;
    // An interrupted one would have shown nothing: each is run to its end, however slow the machine.
    do await fc.assert(property, { numRuns: 2 });
    while (performance.now() < end);
    console.error(
      `faults: ${runs} schedules of ${operations} steps, ${proxy.met} faults met, ${interruptions} interruptions`,
    );
    expect(interruptions).toBeGreaterThan(0);
  },
  seconds * 1000 + 60_000,
);
