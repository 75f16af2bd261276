import { setTimeout as pass } from 'node:timers/promises';
import { expect, inject, test } from 'vitest';
import { labels } from '../../src/controllers/labels.ts';
import { controllerOf, type KubeObject, type Live } from '../../src/kube/kind.ts';
import { PullerRequest, requestVariable } from '../../src/protocols/puller.ts';
import { fails, serves, type Part } from './fake-kubelet.ts';
import { showLog } from './it.ts';
import { isReady, isStalled, reasonOf } from './objects.ts';
import { commit, weights } from './weights.ts';
import { World } from './world.ts';

/** The suite runs a short form; docs/reliability.md has the figures. */
const size = Number(process.env['LONGSHORE_CHAOS_MODELS'] ?? 24);
const seconds = Number(process.env['LONGSHORE_CHAOS_SECONDS'] ?? 12);
const seed = Number(process.env['LONGSHORE_CHAOS_SEED'] ?? Date.now() % 1_000_000);
/** Operators at any time. */
const replicas = 3;
/** The controllers of Kubernetes make some five Jobs a second. */
const patienceMs = 60_000 + size * 1500;
const timing = { leaseSeconds: 2, renewSeconds: 1.4, retrySeconds: 0.3 };

/** A generator of its own, so that a story can be told again (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What a puller would find: each name of a revision is a commit of its own. */
const story = (at: Live<KubeObject & { spec?: unknown }>['spec']) => {
  const { env = [] } =
    (at as { containers: { env?: { name: string; value?: string }[] }[] }).containers[0] ?? {};
  const request = PullerRequest.parse(
    JSON.parse(env.find(({ name }) => name === requestVariable)?.value ?? ''),
  );
  return weights({ revision: commit(request.source.huggingFace?.revision ?? 'main') });
};

test(
  `operators that are killed and stand still lose nothing (seed ${seed})`,
  { timeout: 600_000 },
  async ({ onTestFailed }) => {
    const random = randomFrom(seed);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
    const between = (least: number, most: number): number => least + random() * (most - least);
    await using world = await World.start({ kubeconfig: inject('kubeconfig'), timing });
    onTestFailed(() => showLog(world));
    const operators = [world.operator, ...Array.from({ length: replicas - 1 }, () => world.spawnOperator())];

    const names = Array.from({ length: size }, (_, i) => `m${i}`);
    const isGated = (name: string): boolean => Number(name.slice(1)) % 6 === 5;
    const isServed = (name: string): boolean => Number(name.slice(1)) % 4 === 0;
    /** What the person wants in the end: a revision, or nothing. */
    const wanted = new Map<string, string | undefined>();
    const apply = async (name: string, revision: string): Promise<void> => {
      wanted.set(name, revision);
      await world.applyModel(name, { revision });
    };
    const inspected = (name: string): Part =>
      isGated(name)
        ? fails('GatedRepo', 'Ask for access.')
        : async (pod) => {
            await pod.starts();
            await pod.succeeds({ inspection: story(pod.spec).inspection });
          };
    const pulled: Part = async (pod) => {
      await pod.starts();
      await pass(between(0, 2000));
      await pod.succeeds({ publication: story(pod.spec).publication });
    };
    for (const name of names) {
      world.kubelet.always({ model: name, task: 'inspect' }, inspected(name));
      world.kubelet.always({ model: name, task: 'pull' }, pulled);
      if (!isServed(name)) continue;
      world.kubelet.always({ server: name }, serves);
      await world.applyServer(name, { model: name });
    }

    const disturb: (() => Promise<unknown>)[] = [
      async () => pick(operators.filter(({ running }) => running)).kill(),
      async () => pick(operators.filter(({ running }) => running)).stop(),
      async () => {
        const wake = pick(operators.filter(({ running }) => running)).pause();
        await pass(timing.leaseSeconds * 1000 * between(0.5, 2));
        wake();
      },
      () => apply(pick(names), pick(['v1', 'v2', 'v3'])),
      () => apply(pick(names), pick(['v1', 'v2', 'v3'])),
      async () => {
        const name = pick(names);
        wanted.set(name, undefined);
        await world.client.delete(...world.modelRef(name));
      },
    ];
    const end = performance.now() + seconds * 1000;
    for (const name of names) await apply(name, 'v0');
    while (performance.now() < end) {
      await Promise.all([pick(disturb)(), pass(between(100, 700))]);
      // A Deployment would.
      while (operators.filter(({ running }) => running).length < replicas)
        operators.push(world.spawnOperator());
    }

    for (const name of names) {
      const revision = wanted.get(name);
      if (revision === undefined) await world.models.untilGone(name, patienceMs);
      else if (isGated(name))
        await world.models.untilOne(
          name,
          (model) => isStalled(model) && reasonOf(model) === 'GatedRepo',
          patienceMs,
        );
      else
        await world.models.untilOne(
          name,
          (model) => isReady(model) && model.status?.artifact?.revision === commit(revision),
          patienceMs,
        );
      if (!isServed(name) || isGated(name) || revision === undefined) continue;
      await world.servers.untilOne(
        name,
        (server) => isReady(server) && server.status?.model?.revision === commit(revision),
        patienceMs,
      );
    }

    // Nothing is left of Models that are gone, and every Model has one claim.
    const uids = (): Set<string> => new Set(world.models.all().map(({ metadata }) => metadata.uid));
    const owned = (object: Live<KubeObject>): boolean => uids().has(controllerOf(object)?.uid ?? '');
    await world.jobs.until('Jobs of Models that exist only', () => world.jobs.all().every(owned));
    await world.claims.until('one claim for each Model that is Ready', () => {
      const owners = world.claims.all().map((claim) => controllerOf(claim)?.uid ?? '');
      const pullable = world.models.all().filter(({ metadata }) => !isGated(metadata.name));
      return (
        owners.length === pullable.length &&
        new Set(owners).size === owners.length &&
        owners.every((uid) => uids().has(uid))
      );
    });

    // Nothing was made twice: what succeeds at once is asked for once, and a claim's name is never made anew.
    const again = world.jobs.changes.filter(
      ({ type, object: { metadata } }) =>
        type === 'ADDED' &&
        !isGated(metadata.labels?.[labels.model] ?? '') &&
        metadata.labels?.[labels.attempt] !== '1',
    );
    expect(again.map(({ object }) => object.metadata.name)).toEqual([]);
    expect(world.claims.made()).toEqual([...new Set(world.claims.made())]);
    expect(world.jobs.made().filter((name) => !/-inspect-\w+-\d+$/.test(name))).toEqual(
      [...new Set(world.jobs.made())].filter((name) => !/-inspect-\w+-\d+$/.test(name)),
    );

    // Nobody's write undid a later one: what a status is about never goes back, nor does what is published.
    const byModel = Map.groupBy(world.models.changes, ({ object }) => object.metadata.uid);
    for (const changes of byModel.values()) {
      const generations = changes.map(({ object }) => object.status?.observedGeneration ?? 0);
      expect(generations).toEqual(generations.toSorted((a, b) => a - b));
    }
    for (const operator of operators.filter(({ running }) => !running))
      // SIGTERM: before it had a handler for that.
      expect(['SIGKILL', 'SIGTERM', 0, 1]).toContain(await operator.exit);
  },
);
