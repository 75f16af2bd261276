import { dirname } from 'node:path';
import { modelServers, models } from '../../src/controllers/kinds.ts';
import { aModel, aServer } from '../integration/objects.ts';
import type { Bundle } from './bundle.ts';
import { crowd, lone, startPlane, type ControlPlane } from './control-plane.ts';
import { createAll, createAlone, createBeside, maker } from './creating.ts';
import type { CrowdResponse, Figures, Response, StatusWrites } from './figures.ts';
import { startKubelet } from './kubelet-process.ts';
import { latencyOf } from './latency.ts';
import type { Observed } from './observer.ts';
import { BenchedOperator } from './operator-process.ts';
import { allOf, perEach, since, writesIn } from './requests.ts';
import { Sightings, type Crowd, type WriteCounts } from './sightings.ts';

export interface SizeOptions {
  /** Of Models, and of ModelServers where `servers`. */
  size: number;
  servers: boolean;
  bundle: Bundle;
  /** Models that are created one after the other while nothing else goes on. */
  alone: number;
  idleSeconds: number;
  /** The operator has settled when it is at rest for so long. */
  restSeconds: number;
  /** Leaves the cluster up. */
  keep: boolean;
  /** For the operator's Node, beside those of the image. */
  nodeOptions: readonly string[];
  say: (line: string) => void;
}

/** Measures with one number of objects, on a control plane of its own. */
export async function benchSize(options: SizeOptions): Promise<Figures> {
  const { size, say, keep } = options;
  const plane = await startPlane(`bench-${process.pid}-${size}`, say);
  const end = new AbortController();
  try {
    return await measure(options, plane, end.signal);
  } finally {
    end.abort();
    if (keep) say(`left up: export KUBECONFIG=${plane.cluster.kubeconfig}`);
    else await plane[Symbol.asyncDispose]();
  }
}

async function measure(options: SizeOptions, plane: ControlPlane, signal: AbortSignal): Promise<Figures> {
  const { size, say, restSeconds } = options;
  const { client, cluster } = plane;
  const folder = dirname(cluster.kubeconfig);
  const operatorOptions = { ...options, kubeconfig: plane.operatorKubeconfig, folder };
  const kubelet = await startKubelet({ kubeconfig: cluster.kubeconfig, folder });
  const [seenModels, seenServers] = await Promise.all([
    Sightings.start(client, models, signal),
    Sightings.start(client, modelServers, signal),
  ]);
  const all = seenModels.in(crowd);
  const single = { sightings: seenModels, crowd: seenModels.in(lone) };
  const makeModel = maker(client, all, (name) => aModel(crowd, name, {}));
  const makeLone = maker(client, single.crowd, (name) => aModel(lone, name, {}));
  const waits = new Waits();

  const operator = await BenchedOperator.start(operatorOptions);
  const readySeconds = (await operator.ready()) / 1000;
  await operator.settled(restSeconds * 1000);
  const empty = { ...(await operator.figures()), readySeconds };

  say(`${size}: ${options.alone} Models, one at a time`);
  const aloneNames = names('alone', options.alone);
  await createAlone(makeLone, aloneNames, single);
  await operator.settled(restSeconds * 1000);
  const before = await snapshot(operator, plane, waits);

  say(`${size}: that many Models at once`);
  const crowdNames = names('m', size);
  const creating = (async () => {
    const perSecond = await createAll(makeModel, crowdNames);
    await seenModels.until('every Model has a status', () => all.withStatus === size);
    return perSecond;
  })();
  const creatingNames = await createBeside(makeLone, { prefix: 'creating', goesOn: creating, size }, single);
  const createsPerSecond = await creating;
  const halfway = await snapshot(operator, plane, waits);

  const serverCrowd = seenServers.in(crowd);
  if (options.servers) {
    say(`${size}: a ModelServer for each`);
    await createAll(
      maker(client, serverCrowd, (name) => aServer(crowd, name, { model: name.replace('s-', 'm-') })),
      names('s', size),
    );
    await seenServers.until('every ModelServer has a status', () => serverCrowd.withStatus === size);
  }

  say(`${size}: pods are played until all is Ready`);
  const playedAt = performance.now();
  kubelet.go();
  const settling = Promise.all([
    seenModels.until('every Model is Ready', () => all.ready === size),
    seenServers.until('every ModelServer is Ready', () => serverCrowd.ready === serverCrowd.sightings.size),
  ]);
  const settlingNames = await createBeside(makeLone, { prefix: 'settling', goesOn: settling, size }, single);
  const readyAt = Math.max(all.last('readyAt'), serverCrowd.last('readyAt'));
  if ((await operator.settled(restSeconds * 1000)) === undefined)
    say(`${size}: the operator does not come to rest`);
  const after = await snapshot(operator, plane, waits);

  say(`${size}: idle for ${options.idleSeconds} s`);
  const idle = await measureIdle(operator, options.idleSeconds, () => seenModels.writes + seenServers.writes);

  say(`${size}: stopped and started again`);
  const restart = await measureRestart(operator, operatorOptions);

  const seconds = (readyAt - playedAt) / 1000;
  // Those beside the crowd cost as much; requests tell by their namespace whose they are.
  const made = size + single.crowd.sightings.size;
  const pick = (chosen: readonly string[]): Response => ({
    seen: latencyOf(chosen.map((name) => sinceCreation(single.crowd, name))),
    inside: waits.of(chosen),
  });
  return {
    models: size,
    servers: serverCrowd.sightings.size,
    empty,
    alone: pick(aloneNames),
    created: {
      ...crowdResponse(all, waits),
      createsPerSecond,
      cpuMs:
        ((halfway.process.cpuSeconds - before.process.cpuSeconds) * 1000) / (size + creatingNames.length),
      elsewhere: since(before.elsewhere, halfway.elsewhere),
    },
    serversCreated: options.servers ? crowdResponse(serverCrowd, waits) : undefined,
    ready: { seconds, rate: size / seconds },
    besideCreating: pick(creatingNames),
    besideSettling: pick(settlingNames),
    writesPerModel: statusWrites(all),
    writesPerServer: options.servers ? statusWrites(serverCrowd) : undefined,
    perModel: {
      cpuMs: ((after.process.cpuSeconds - before.process.cpuSeconds) * 1000) / made,
      requests: perEach(
        since(before.observed.requests[crowd] ?? {}, after.observed.requests[crowd] ?? {}),
        size,
      ),
      refused: perEach(since(before.observed.refused, after.observed.refused), made),
      polls: (after.observed.polls - before.observed.polls) / made,
      reconciles:
        after.reconciles === undefined ? undefined : (after.reconciles - (before.reconciles ?? 0)) / made,
    },
    settled: {
      ...after.process,
      eventLoopBusy: busyShare(before.observed, after.observed),
      heap: after.observed.heap,
    },
    elsewhere: since(before.elsewhere, after.elsewhere),
    idle,
    restart,
  };
}

function busyShare({ eventLoop: before }: Observed, { eventLoop: after }: Observed): number {
  const active = after.active - before.active;
  return active / (active + after.idle - before.idle);
}

/** What passed inside the operator, by object. */
class Waits {
  readonly #ms = new Map<string, number>();

  add({ waits }: Observed): void {
    for (const [name, ms] of waits) this.#ms.set(name, ms);
  }

  of(names: Iterable<string>): Response['inside'] {
    return latencyOf([...names].flatMap((name) => this.#ms.get(name) ?? []));
  }
}

const reconcilesMetric = 'controller_runtime_reconcile_total';

async function snapshot(operator: BenchedOperator, plane: ControlPlane, waits: Waits) {
  const [process, observed, elsewhere, reconciles] = await Promise.all([
    operator.figures(),
    operator.observed(),
    plane.cpuSeconds(),
    operator.metric(reconcilesMetric),
  ]);
  waits.add(observed);
  return { process, observed, elsewhere, reconciles };
}

async function measureIdle(
  operator: BenchedOperator,
  seconds: number,
  seenWrites: () => number,
): Promise<Figures['idle']> {
  const look = async () => ({
    cpuSeconds: (await operator.figures()).cpuSeconds,
    requests: allOf((await operator.observed()).requests),
    reconciles: await operator.metric(reconcilesMetric),
    seen: seenWrites(),
  });
  const before = await look();
  await new Promise((resolve) => {
    setTimeout(resolve, seconds * 1000);
  });
  const after = await look();
  const requests = since(before.requests, after.requests);
  return {
    seconds,
    writes: writesIn(requests),
    seenWrites: after.seen - before.seen,
    requests,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    reconciles: after.reconciles === undefined ? undefined : after.reconciles - (before.reconciles ?? 0),
  };
}

async function measureRestart(
  old: BenchedOperator,
  options: SizeOptions & { kubeconfig: string; folder: string },
): Promise<Figures['restart']> {
  const stopSeconds = (await old.stop()) / 1000;
  const operator = await BenchedOperator.start(options);
  const readySeconds = (await operator.ready()) / 1000;
  const settledAt = await operator.settled(options.restSeconds * 1000);
  const [process, observed, reconciles] = await Promise.all([
    operator.figures(),
    operator.observed(),
    operator.metric(reconcilesMetric),
  ]);
  const requests = allOf(observed.requests);
  await operator.stop();
  const settledSeconds = settledAt === undefined ? undefined : (settledAt - operator.startedAt) / 1000;
  return {
    ...process,
    stopSeconds,
    readySeconds,
    settledSeconds,
    writes: writesIn(requests),
    requests,
    reconciles,
  };
}

function crowdResponse(crowd: Crowd, waits: Waits): CrowdResponse {
  const first = [...crowd.sightings.values()][0]?.createdAt ?? 0;
  const seconds = (crowd.last('firstStatusAt') - first) / 1000;
  return {
    seconds,
    rate: crowd.sightings.size / seconds,
    seen: latencyOf(crowd.waits('firstStatusAt')),
    inside: waits.of(crowd.sightings.keys()),
  };
}

function sinceCreation(crowd: Crowd, name: string): number {
  const { createdAt, firstStatusAt } = crowd.sightings.get(name) ?? {};
  return (firstStatusAt ?? Number.NaN) - (createdAt ?? Number.NaN);
}

function statusWrites(crowd: Crowd): StatusWrites {
  const all = crowd.writeCounts();
  const mean = (of: keyof WriteCounts): number => all.reduce((sum, each) => sum + each[of], 0) / all.length;
  return {
    mean: mean('status'),
    most: all.reduce((most, { status }) => Math.max(most, status), 0),
    progress: mean('progress'),
    other: mean('other'),
  };
}

/** Of one length, so that no name is part of another. */
function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(5, '0')}`);
}
