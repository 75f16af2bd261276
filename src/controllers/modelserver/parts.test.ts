import { describe, expect, it } from 'vitest';
import type { FileRole, GgufFacts } from '../../api/model-status.ts';
import type { Live } from '../../kube/kind.ts';
import type { Model } from '../../api/model.ts';
import { RuntimeSettings } from '../../protocols/runtime.ts';
import { aModel, anArtifact, aServer, aServerView, commit, meta, secondsAgo } from '../testing/objects.ts';
import {
  aDeployedView,
  aDeploymentFor,
  aServerPod,
  aWeightsClaim,
  whole,
  withoutNode,
} from '../testing/servers.ts';
import { resolveModel } from './model.ts';
import { partsOf, publishedParts, type Part } from './parts.ts';
import { planRollout } from './rollout/plan.ts';
import { placePods } from './scheduled.ts';
import { rolloutStatus } from './rollout/standing.ts';
import type { ServerView } from './view.ts';
import { serverPod } from './workload/pod.ts';

const own: GgufFacts = { architecture: 'llama', tokenizer: 'llama' };
const file = (role: FileRole, path = `${role}.gguf`) => ({
  path,
  sizeBytes: 1,
  sha256: 'ab'.repeat(32),
  role,
});

/** A Model of this name that has published files of these roles, on a claim of its own. */
function published(
  name: string,
  roles: FileRole[],
  more: { gguf?: GgufFacts; claimName?: string } = {},
): Live<Model> {
  const { gguf = own, claimName = `${name}-claim` } = more;
  const files = roles.map((role, i) => file(role, `${role}-${i}.gguf`));
  const artifact = anArtifact({ claimName, files, digest: `sha256:${name}` });
  return { ...aModel({}, { artifact, gguf }), metadata: meta(name) };
}

const lacksMemory = withoutNode('0/1 nodes are available: 1 Insufficient memory.');
const sql = published('sql', ['adapter']);
const small = published('small', ['model']);
const runtime = {
  adapters: [{ modelRef: { name: 'sql' }, scale: 0.5 }],
  draftModelRef: { name: 'small' },
};

/** A server with these further Models. */
function viewOf(models: Live<Model>[], spec: object = { runtime }): ServerView {
  const server = aServer(spec);
  const find = (name: string) => models.find(({ metadata }) => metadata.name === name);
  const model = aModel({}, { artifact: anArtifact(), gguf: own });
  return aServerView({ server, model, parts: partsOf(server, find) });
}
const resolved = (...of: Parameters<typeof viewOf>) => resolveModel(viewOf(...of));

/** What its status says of the pods. */
function told(view: ServerView) {
  const plan = planRollout(view);
  if (!plan) throw new Error('there is something to serve');
  return rolloutStatus(view, plan);
}

describe('a server with further Models', () => {
  it('tells which revision of each it is told to load', () => {
    const { at, message } = resolved([sql, small]);
    expect(at).toBe('done');
    expect(message).toBe('Model "qwen" has published revision 0123456789ab; beside it "sql", "small".');
    expect(told(viewOf([sql, small])).parts).toEqual([
      { use: 'Adapter', name: 'sql', revision: commit, digest: 'sha256:sql', claimName: 'sql-claim' },
      { use: 'Draft', name: 'small', revision: commit, digest: 'sha256:small', claimName: 'small-claim' },
    ]);
  });

  it('takes them out of its status when it names none', () => {
    expect(told(viewOf([], {}))).toHaveProperty('parts', undefined);
  });

  it('rolls nothing before all of them have published something', () => {
    expect(planRollout(viewOf([sql]))).toBeUndefined();
  });

  it('keeps what was loaded before while it rolls', () => {
    const before = viewOf([sql, small]);
    const deployment = aDeploymentFor(before, {
      ...whole,
      conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }],
    });
    const next = { ...viewOf([small], { runtime: { draftModelRef: { name: 'small' } } }), deployment };
    const { parts, rollout } = told(next);
    expect(parts?.map(({ name }) => name)).toEqual(['small']);
    expect(rollout?.fromParts?.map(({ name }) => name)).toEqual(['sql', 'small']);
  });

  it.each([
    [
      'an adapter',
      [small],
      'There is no Model "sql" in namespace "ns". Create it, or correct spec.runtime.adapters.',
    ],
    [
      'a draft',
      [sql],
      'There is no Model "small" in namespace "ns". Create it, or correct spec.runtime.draftModelRef.name.',
    ],
  ] as const)('is blocked without %s, and names it', (_what, models, message) => {
    expect(resolved([...models])).toEqual({ at: 'blocked', reason: 'ModelNotFound', message });
  });

  it('waits for what each of them publishes', () => {
    const pulling = { ...aModel(), metadata: meta('small') };
    expect(resolved([sql, pulling])).toEqual({
      at: 'waiting',
      reason: 'ModelNotReady',
      message: 'Model "small": it has not been looked at yet',
    });
  });

  it('begins with none that is being deleted, and goes on with one that it has', () => {
    const going = { ...sql, metadata: meta('sql', { deletionTimestamp: secondsAgo(1) }) };
    expect(resolved([going, small])).toMatchObject({ at: 'blocked', reason: 'ModelTerminating' });
    const server = aServer({ runtime }, { parts: told(viewOf([sql, small])).parts });
    expect(resolveModel({ ...viewOf([going, small]), server }).at).toBe('done');
  });
});

describe('a further Model', () => {
  it.each([
    [
      'an adapter for another architecture',
      published('sql', ['adapter'], { gguf: { ...own, architecture: 'gemma3' } }),
      small,
      'IncompatibleAdapter',
      'The adapter of Model "sql" is for the architecture gemma3, and "qwen" is llama.',
    ],
    [
      'weights in place of an adapter',
      published('sql', ['model']),
      small,
      'NotServable',
      'Model "sql" holds no LoRA adapter in GGUF: model-0.gguf.',
    ],
    [
      'several adapters',
      published('sql', ['adapter', 'adapter']),
      small,
      'NotServable',
      'Model "sql" holds 2 LoRA adapters, and one is needed: adapter-0.gguf, adapter-1.gguf.',
    ],
    [
      'a draft with a tokenizer of another kind',
      sql,
      published('small', ['model'], { gguf: { tokenizer: 'gpt2' } }),
      'IncompatibleDraft',
      'Model "small" cannot draft for "qwen": its tokenizer is of the kind gpt2, and not llama.',
    ],
    [
      'an adapter in place of a draft',
      sql,
      published('small', ['adapter']),
      'NotServable',
      'Model "small" holds no GGUF model to draft with, only adapter-0.gguf.',
    ],
  ])('is refused before a pod is made: %s', (_what, adapter, draft, reason, message) => {
    const outcome = resolved([adapter, draft]);
    expect(outcome).toMatchObject({ at: 'blocked', reason });
    expect('message' in outcome && outcome.message).toContain(message);
  });

  it('is taken where its header does not say enough', () => {
    expect(
      resolved([published('sql', ['adapter'], { gguf: {} }), published('small', ['model'], { gguf: {} })]).at,
    ).toBe('done');
  });
});

describe('the pods of a server with further Models', () => {
  const podOf = (parts: Part[], artifact = anArtifact()) =>
    serverPod(aServer(), { artifact, image: 'runtime:1', memory: '512Mi', parts: publishedParts(parts) })
      .spec!;
  const settingsOf = (parts: Part[]) =>
    RuntimeSettings.parse(JSON.parse(podOf(parts).containers[0]!.env![0]!.value!));
  const mountsOf = (parts: Part[]) =>
    podOf(parts).containers[0]!.volumeMounts!.filter(({ name }) => name !== 'tmp');
  const adapter = (model: Live<Model>, scale = 1): Part => ({
    use: 'Adapter',
    name: model.metadata.name,
    scale,
    model,
  });
  const draft: Part = { use: 'Draft', name: 'small', scale: 1, model: small };

  it('mount their claims, read-only, and find the files there', () => {
    const parts = [adapter(sql, 0.5), draft];
    expect(mountsOf(parts)).toEqual([
      { name: 'models', mountPath: '/models', readOnly: true },
      { name: 'part-1', mountPath: '/parts/sql-claim', readOnly: true },
      { name: 'part-2', mountPath: '/parts/small-claim', readOnly: true },
    ]);
    expect(podOf(parts).volumes).toContainEqual({
      name: 'part-2',
      persistentVolumeClaim: { claimName: 'small-claim', readOnly: true },
    });
    expect(settingsOf(parts)).toMatchObject({
      adapters: [
        { name: 'sql', path: `/parts/sql-claim/hf/owner/name/${commit}/adapter-0.gguf`, scale: 0.5 },
      ],
      draftModelPath: `/parts/small-claim/hf/owner/name/${commit}/model-0.gguf`,
    });
  });

  it('mount each claim once, however many Models are on it', () => {
    const { claimName } = anArtifact();
    const parts = [
      adapter(published('sql', ['adapter'], { claimName })),
      adapter(published('poems', ['adapter'], { claimName: 'shared' })),
      adapter(published('prose', ['adapter'], { claimName: 'shared' })),
    ];
    expect(mountsOf(parts).map(({ mountPath }) => mountPath)).toEqual(['/models', '/parts/shared']);
    expect(settingsOf(parts).adapters?.map(({ path }) => path.split('/hf/')[0])).toEqual([
      '/models',
      '/parts/shared',
      '/parts/shared',
    ]);
  });

  it('are given the time to load all of them, and so is a rollout', () => {
    const large = (model: Live<Model>): Live<Model> => {
      const artifact = anArtifact({ ...model.status?.artifact, sizeBytes: 5_000_000_000 });
      return { ...model, status: { ...model.status, artifact } };
    };
    const view = viewOf([large(sql), large(small)]);
    const seconds = 300 + 3 * 100;
    const artifact = anArtifact({ sizeBytes: 5_000_000_000 });
    const [container] = podOf([...view.parts], artifact).containers;
    expect(container?.startupProbe?.failureThreshold).toBe(seconds / 2);
    const plan = planRollout({ ...view, model: aModel({}, { artifact, gguf: own }) });
    expect(plan?.deployment.spec?.progressDeadlineSeconds).toBe(600 + 300 + seconds);
  });

  it('ask for the memory of all of them, and are kept where the volume of any has to be', () => {
    const heavy = (model: Live<Model>): Live<Model> => ({
      ...model,
      status: { ...model.status, memory: { weightsBytes: 2 ** 30 } },
    });
    const cpu = { gpu: { count: 0 }, runtime: { draftModelRef: { name: 'small' } } };
    const model = aModel({}, { artifact: anArtifact(), memory: { weightsBytes: 2 ** 30 }, gguf: own });
    const claims = [aWeightsClaim('qwen-claim', ['ReadWriteMany']), aWeightsClaim('small-claim')];
    const view = { ...viewOf([heavy(small)], cpu), model, claims };
    const { metadata, spec } = planRollout(view)!.deployment.spec!.template;
    expect(spec?.containers[0]?.resources?.requests).toEqual({ memory: `${2 * 1024 + 256}Mi` });
    expect(metadata?.labels).toMatchObject({ 'longshore.dev/volume': 'uid-of-small-claim' });
    expect(spec?.affinity?.podAffinity).toBeDefined();
    expect(placePods(aDeployedView({ ...view, pods: [aServerPod('a', lacksMemory)] })).message).toContain(
      `memory (${2 * 1024 + 256}Mi wanted)`,
    );
  });

  it('have nothing of them where there are none', () => {
    expect(Object.keys(settingsOf([]))).not.toContain('adapters');
    expect(Object.keys(settingsOf([]))).not.toContain('draftModelPath');
  });
});
