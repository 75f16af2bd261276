import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, inject } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import type { KubeObject, Live } from '../../src/kube/kind.ts';
import { run } from '../cluster/commands.ts';
import { reports, serves } from './fake-kubelet.ts';
import { itAlone as it } from './it.ts';
import { isCurrent, reasonOf } from './objects.ts';
import { makeClaim } from './shared-claim.ts';
import { weights } from './weights.ts';
import type { World } from './world.ts';

/**
 * The operator never writes a spec: what a tool has applied from git, and applies again and again, stays as it is, and the
 * tool's own.
 */
const examples = join(import.meta.dirname, '../../examples');
const tool = 'argocd-controller';
/** For dozens of objects at once, in milliseconds. */
const patience = 150_000;

interface Written extends KubeObject {
  kind: string;
  metadata: { name: string; namespace?: string };
  spec: {
    source?: { volume?: { claimName: string } };
    suspend?: boolean;
    puller?: { priorityClassName?: string };
    modelRef: { name: string };
    runtime?: { adapters?: { modelRef: { name: string } }[] };
    scaleTargetRef: { name: string };
    minReplicas: number;
  };
}

interface Batch {
  files: string[];
  objects: Written[];
}

/**
 * All examples, in as few namespaces as their names allow. In each of these is the Model that the servers are for. KEDA is
 * not in the tests' cluster, and Argo CD and Flux are not either.
 */
async function batchesOfExamples(): Promise<Batch[]> {
  const files: string[] = [];
  for await (const file of glob('**/*.yaml', { cwd: examples })) files.push(file);
  const batches: Batch[] = [];
  const common = new Set(['model.yaml', 'server.yaml']);
  for (const file of [...common, ...files.filter((each) => !common.has(each)).toSorted()]) {
    const text = await readFile(join(examples, file), 'utf8');
    const objects = parseAllDocuments(text)
      .map((document) => document.toJS() as Written)
      .filter(
        ({ apiVersion = '', kind }) => !/keda|argoproj|fluxcd/.test(apiVersion) && kind !== 'Namespace',
      );
    if (objects.length === 0) continue;
    const isTaken = (batch: Batch) => objects.some((object) => batch.objects.some(isSame(object)));
    let batch = batches.find((each) => !isTaken(each));
    if (!batch) batches.push((batch = { files: [], objects: [] }));
    batch.files.push(file);
    batch.objects.push(...objects);
  }
  const usual = batches[0]!.objects.find(({ kind }) => kind === 'Model');
  for (const { files, objects } of batches) {
    if (objects.some(isSame(usual!))) continue;
    files.unshift('model.yaml');
    objects.unshift(usual!);
  }
  return batches;
}

const isSame =
  (a: Written) =>
  (b: Written): boolean =>
    a.kind === b.kind && a.metadata.name === b.metadata.name;

const ofKind = ({ objects }: Batch, kind: string): Written[] =>
  objects.filter((object) => object.kind === kind);

/** Everything is pulled, as what the servers use it for, and every server serves. */
async function letRun({ kubelet, ...world }: World, batch: Batch): Promise<void> {
  const servers = ofKind(batch, 'ModelServer');
  const adapters = servers.flatMap(({ spec }) => spec.runtime?.adapters ?? []);
  for (const { metadata, spec } of ofKind(batch, 'Model')) {
    const { name } = metadata;
    const isAdapter = adapters.some(({ modelRef }) => modelRef.name === name);
    const { inspection, publication } = weights(isAdapter ? { roles: ['adapter'] } : {});
    kubelet.always({ model: name, task: 'inspect' }, reports({ inspection }));
    kubelet.always({ model: name, task: 'pull' }, reports({ publication }));
    const { claimName } = spec.source?.volume ?? {};
    if (claimName !== undefined) await makeClaim({ ...world, kubelet } as World, claimName);
  }
  for (const { metadata } of servers) kubelet.always({ server: metadata.name }, serves);
}

/**
 * The Models and servers as they stand when nothing more is to come. One Model is suspended, and a server waits for it; one
 * has no pod, since the class of priority that it names is not there.
 */
function isSettled({ models, servers }: World, batch: Batch): Promise<unknown> {
  const reasons = new Map(
    ofKind(batch, 'Model').map(({ spec, metadata }) => {
      if (spec.suspend) return [metadata.name, 'Suspended'];
      return [metadata.name, spec.puller?.priorityClassName === undefined ? 'Ready' : 'WriteRefused'];
    }),
  );
  const fewest = new Map(
    ofKind(batch, 'HorizontalPodAutoscaler').map(({ spec }) => [spec.scaleTargetRef.name, spec.minReplicas]),
  );
  return Promise.all([
    ...Array.from(reasons, ([name, reason]) =>
      models.untilOne(name, (model) => isCurrent(model) && reasonOf(model) === reason, patience),
    ),
    ...ofKind(batch, 'ModelServer').map(({ metadata: { name }, spec }) => {
      const reason = reasons.get(spec.modelRef.name) === 'Suspended' ? 'ModelNotReady' : 'Ready';
      const replicas = fewest.get(name) ?? 1;
      return servers.untilOne(
        name,
        (server) => isCurrent(server) && reasonOf(server) === reason && server.spec.replicas >= replicas,
        patience,
      );
    }),
  ]);
}

interface ManagedFields {
  manager: string;
  subresource?: string;
  fieldsV1: Record<string, unknown>;
}

const batches = await batchesOfExamples();

describe.concurrent('what is applied again and again', () => {
  it.for(batches)('is as it was: $files', { timeout: 2 * patience }, async (batch, { world }) => {
    const text = (objects: Written[]): string =>
      objects
        .map(({ metadata, ...rest }) =>
          stringify({ ...rest, metadata: { ...metadata, namespace: undefined } }),
        )
        .join('---\n');
    const kubectl = (words: string[], objects: Written[]): Promise<string> =>
      run(
        inject('kubectl'),
        ['--kubeconfig', inject('kubeconfig'), '--namespace', world.namespace, ...words, '-f', '-'],
        { input: text(objects) },
      );
    const serverSide = ['--server-side', '--force-conflicts', `--field-manager=${tool}`];
    await letRun(world, batch);
    await kubectl(['apply', ...serverSide], batch.objects);
    await isSettled(world, batch);
    // From here on only who applies could change anything.
    await world.operator.kill();
    const now = async (): Promise<Live<KubeObject>[]> =>
      (JSON.parse(await kubectl(['get', '-o', 'json', '--show-managed-fields'], ours)) as { items: never[] })
        .items;
    const ours = [...ofKind(batch, 'Model'), ...ofKind(batch, 'ModelServer')];
    const before = await now();
    expect(before.length).toBe(ours.length);
    for (const { metadata } of before) {
      const { name, managedFields } = metadata as { name: string; managedFields?: ManagedFields[] };
      const writers = (managedFields ?? []).filter(
        ({ fieldsV1, subresource }) => 'f:spec' in fieldsV1 && subresource !== 'scale',
      );
      expect([name, writers.map(({ manager }) => manager)]).toEqual([name, [tool]]);
    }

    // An autoscaler writes its own status every now and then.
    const again = batch.objects.filter(({ kind }) => kind !== 'HorizontalPodAutoscaler');
    await kubectl(['diff', ...serverSide], again);
    await kubectl(['apply', ...serverSide], again);
    const versions = (objects: Live<KubeObject>[]) =>
      objects.map(({ metadata }) => [metadata.name, metadata.generation, metadata.resourceVersion]);
    expect(versions(await now())).toEqual(versions(before));

    // The same by who applies as kubectl does when it is told nothing.
    await kubectl(['apply'], again);
    expect((await now()).map(({ metadata }) => metadata.generation)).toEqual(
      before.map(({ metadata }) => metadata.generation),
    );
    const said = (await kubectl(['apply'], again))
      .split('\n')
      .filter((line) => line.includes('longshore.dev/'));
    expect(said.length).toBe(ours.length);
    expect(said.filter((line) => !line.endsWith(' unchanged'))).toEqual([]);
    await kubectl(['diff'], again);
    // And a difference would have been seen.
    const edited = structuredClone(again);
    edited.find(({ kind }) => kind === 'Model')!.spec.puller = { priorityClassName: 'edited' };
    await expect(kubectl(['diff', ...serverSide], edited)).rejects.toThrow(/^\+ .*edited$/m);
  });
});
