import { setTimeout as pass } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Model } from '../../src/api/model.ts';
import { forceDeleteAnnotation, labels } from '../../src/controllers/labels.ts';
import type { Pod } from '../../src/kube/builtin.ts';
import { isNotFound } from '../../src/kube/errors.ts';
import { controllerOf, type KubeObject, type Live } from '../../src/kube/kind.ts';
import { PullerRequest, requestVariable } from '../../src/protocols/puller.ts';
import { fails, serves, type Part } from './fake-kubelet.ts';
import { isReady, isStalled, reasonOf } from './objects.ts';
import type { Change } from './recording.ts';
import type { Seeded } from './seeded.ts';
import { commit, weights, type Weights } from './weights.ts';
import type { World } from './world.ts';

/** Models that people make, edit and delete, some of them served, some gated; and what has to be true of them in the end. */
export class Crowd {
  readonly #world: World;
  readonly #random: Seeded;
  readonly #names: readonly string[];
  /** What a person wants in the end: a revision, or nothing. */
  readonly #wanted = new Map<string, string | undefined>();

  constructor({ world, random, size }: { world: World; random: Seeded; size: number }) {
    this.#world = world;
    this.#random = random;
    this.#names = Array.from({ length: size }, (_, i) => `m${i}`);
  }

  /** All of them are made. */
  async begins(): Promise<void> {
    for (const name of this.#names) {
      this.#world.kubelet.always({ model: name, task: 'inspect' }, this.#inspected(name));
      this.#world.kubelet.always({ model: name, task: 'pull' }, this.#pulled);
      if (isServed(name)) this.#world.kubelet.always({ server: name }, serves);
      if (isServed(name)) await this.#world.applyServer(name, { model: name });
      await this.#apply(name, 'v0');
    }
  }

  /** One change after another until then. */
  async changes(until: number): Promise<void> {
    const { pick, between } = this.#random;
    while (performance.now() < until) {
      await pass(between(100, 700));
      const name = pick(this.#names);
      if (pick(['edit', 'edit', 'delete']) === 'edit') await this.#apply(name, pick(['v1', 'v2', 'v3']));
      else await this.#delete(name);
    }
  }

  /** Where each one stands by its status, and a `Deleted` for all that is left of one that is gone. */
  phases(): string[] {
    const { models, jobs, claims } = this.#world;
    const uids = new Set(models.all().map(({ metadata }) => metadata.uid));
    const left = [...jobs.all(), ...claims.all()].filter((object) => !uids.has(ownerOf(object)));
    return [...models.all().map((model) => reasonOf(model) ?? 'New'), ...left.map(() => 'Deleted')];
  }

  /** Resolves when every one is where its spec wants it to be, and what is gone has left nothing. */
  async settles(patienceMs: number): Promise<void> {
    const { models, servers, jobs, claims } = this.#world;
    for (const name of this.#names) {
      const revision = this.#wanted.get(name);
      if (revision === undefined) {
        await models.untilGone(name, patienceMs);
        continue;
      }
      await models.untilOne(
        name,
        (model) =>
          isGated(name)
            ? isStalled(model) && reasonOf(model) === 'GatedRepo'
            : isReady(model) && model.status?.artifact?.revision === commit(revision),
        patienceMs,
      );
      if (!isServed(name) || isGated(name)) continue;
      await servers.untilOne(
        name,
        (server) => isReady(server) && server.status?.model?.revision === commit(revision),
        patienceMs,
      );
    }
    const uids = new Set(models.all().map(({ metadata }) => metadata.uid));
    await jobs.until('Jobs of Models that exist only', () =>
      jobs.all().every((job) => uids.has(ownerOf(job))),
    );
    const ready = models.all().filter(({ metadata }) => !isGated(metadata.name));
    await claims.until('one claim for each Model that is Ready', () => {
      const owners = claims.all().map(ownerOf);
      return (
        owners.length === ready.length &&
        new Set(owners).size === owners.length &&
        owners.every((uid) => uids.has(uid))
      );
    });
  }

  /** What succeeds was asked for once, and nothing was made a second time before the Model had asked for something else. */
  expectNothingTwice(): void {
    const { jobs, claims } = this.#world;
    const attempts = jobs.changes.filter(
      ({ type, object: { metadata } }) =>
        type === 'ADDED' &&
        !isGated(metadata.labels?.[labels.model] ?? '') &&
        metadata.labels?.[labels.attempt] !== '1',
    );
    expect(attempts.map(({ object }) => object.metadata.name)).toEqual([]);
    const requests = [...jobs.changes, ...claims.changes].flatMap(({ type, object }) => {
      const model = this.#ownerWhenMade(object);
      // Who hears of a claim's end before that of its Model makes it again. It is collected as the first one was.
      if (type !== 'ADDED' || model?.type === 'DELETED') return [];
      return `${object.metadata.name} for generation ${model?.object.metadata.generation}`;
    });
    expect(requests.filter((request, i) => requests.indexOf(request) !== i)).toEqual([]);
  }

  /** One server counts all versions. */
  #ownerWhenMade(object: Live<KubeObject>): Change<Model> | undefined {
    const madeAt = Number(object.metadata.resourceVersion);
    return this.#world.models.changes.findLast(
      (model) =>
        model.object.metadata.uid === ownerOf(object) &&
        Number(model.object.metadata.resourceVersion) < madeAt,
    );
  }

  /** What a status is about never went back. */
  expectStatusesForward(): void {
    const byModel = Map.groupBy(this.#world.models.changes, ({ object }) => object.metadata.uid);
    for (const changes of byModel.values()) {
      const generations = changes.map(({ object }) => object.status?.observedGeneration ?? 0);
      expect(generations).toEqual(generations.toSorted((a, b) => a - b));
    }
  }

  async #apply(name: string, revision: string): Promise<void> {
    this.#wanted.set(name, revision);
    await this.#world.applyModel(name, { revision });
  }

  async #delete(name: string): Promise<void> {
    this.#wanted.set(name, undefined);
    const [kind, ref] = this.#world.modelRef(name);
    // Its server stays, and would keep it; what is applied to one on its way out would be lost.
    const metadata = { annotations: { [forceDeleteAnnotation]: 'true' }, finalizers: null };
    await this.#world.client.patch(kind, ref, { metadata }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    await this.#world.client.delete(kind, ref);
  }

  #inspected(name: string): Part {
    if (isGated(name)) return fails('GatedRepo', 'Ask for access.');
    return async (pod) => {
      await pod.starts();
      await pass(this.#random.between(0, 500));
      await pod.succeeds({ inspection: askedOf(pod.spec).inspection });
    };
  }

  readonly #pulled: Part = async (pod) => {
    await pod.starts();
    await pass(this.#random.between(0, 2000));
    await pod.succeeds({ publication: askedOf(pod.spec).publication });
  };
}

const ownerOf = (object: Live<KubeObject>): string => controllerOf(object)?.uid ?? '';
const isGated = (name: string): boolean => Number(name.slice(1)) % 6 === 5;
const isServed = (name: string): boolean => Number(name.slice(1)) % 4 === 0;

/** What a puller would find: each name of a revision is a commit of its own. */
function askedOf({ containers }: NonNullable<Pod['spec']>): Weights {
  const { env = [] } = containers[0] ?? {};
  const variable = env.find(({ name }) => name === requestVariable);
  const request = PullerRequest.parse(JSON.parse(variable?.value ?? ''));
  return weights({ revision: commit(request.source.huggingFace?.revision ?? 'main') });
}
