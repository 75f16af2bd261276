import { describe, expect, it } from 'vitest';
import type { Deployment, Pod } from '../../kube/builtin.ts';
import { withHash } from '../../kube/apply.ts';
import type { Live } from '../../kube/kind.ts';
import type { LoadState } from '../../protocols/runtime.ts';
import { appliedAnnotation } from '../labels.ts';
import { aModel, anArtifact, aServer, aServerView, meta, secondsAgo } from '../testing/objects.ts';
import { resolveModel, runWorkload } from './steps.ts';
import { serverDeployment } from './workload/deployment.ts';

type PodStatus = NonNullable<Pod['status']>;

function aPod(name: string, { ready = false, ...status }: PodStatus & { ready?: boolean } = {}): Live<Pod> {
  const conditions = [{ type: 'Ready', status: ready ? 'True' : 'False' }];
  return { metadata: meta(name), status: { phase: 'Running', conditions, ...status } };
}

/** A container that ended before and is started again. */
function ended(end: { message?: string; reason?: string }): PodStatus {
  const lastState = { terminated: { exitCode: 1, ...end } };
  return {
    containerStatuses: [{ name: 'c', image: '', imageID: '', ready: false, restartCount: 1, lastState }],
  };
}

/** The Deployment that was applied for a server, with this status. */
function aDeployment(status: NonNullable<Deployment['status']>, server = aServer()): Live<Deployment> {
  const wanted = serverDeployment(server, anArtifact(), aServerView().image);
  const { annotations = {} } = withHash<Deployment>(wanted, appliedAnnotation).metadata ?? {};
  return { ...wanted, metadata: meta('chat', { annotations }), status: { observedGeneration: 1, ...status } };
}
const complete = { replicas: 1, updatedReplicas: 1, readyReplicas: 1 };
const loading = (percent: number): LoadState => ({ phase: 'loading', percent });

describe('resolveModel', () => {
  it('is blocked without a Model', () => {
    expect(resolveModel(aServerView({ model: undefined }))).toMatchObject({
      at: 'blocked',
      reason: 'ModelNotFound',
      message: 'There is no Model "qwen" in namespace "ns". Create it, or correct spec.modelRef.name.',
    });
  });

  /** A Model that has published nothing and says this. */
  function standing(reason: string, message: string, stalled: 'True' | 'False' = 'False') {
    const said = { reason, message, lastTransitionTime: secondsAgo(0) };
    const conditions = [
      { type: 'Ready', status: 'False' as const, ...said },
      { type: 'Stalled', status: stalled, ...said },
    ];
    return resolveModel(aServerView({ model: aModel({}, { conditions }) }));
  }

  it('waits for what the Model publishes', () => {
    expect(resolveModel(aServerView({ model: aModel() }))).toMatchObject({
      at: 'waiting',
      reason: 'ModelNotReady',
      message: 'Model "qwen": it has not been looked at yet',
    });
  });

  it('tells where the Model stands, and nothing that changes while it pulls', () => {
    const [early, late] = ['1GB of 4.7GB.', '2GB of 4.7GB.'].map((message) => standing('Pulling', message));
    expect(early?.message).toBe('Model "qwen": Pulling: The files are being downloaded onto the volume.');
    expect(late).toEqual(early);
  });

  it('tells in the words of the Model what a person is needed for, and reasons of other releases', () => {
    expect(standing('GatedRepo', 'Ask for access at hf.co/x.', 'True').message).toBe(
      'Model "qwen": GatedRepo: Ask for access at hf.co/x.',
    );
    expect(standing('Dreaming', 'Of sheep.').message).toBe('Model "qwen": Dreaming: Of sheep.');
  });

  it('begins with no Model that is being deleted, and goes on with one that it has', () => {
    const model = aModel({}, { artifact: anArtifact() });
    const ending = { ...model, metadata: { ...model.metadata, deletionTimestamp: secondsAgo(1) } };
    expect(resolveModel(aServerView({ model: ending }))).toMatchObject({
      at: 'blocked',
      reason: 'ModelTerminating',
      message: expect.stringContaining('Model "qwen" is being deleted') as string,
    });
    const { revision, digest, claimName } = anArtifact();
    const loaded = aServer({}, { model: { name: 'qwen', revision, digest, claimName } });
    expect(resolveModel(aServerView({ model: ending, server: loaded })).at).toBe('done');
  });

  it('uses what is published even while the Model is on its way to something else', () => {
    const ready = { type: 'Ready', status: 'False' as const, reason: 'Pulling', message: '' };
    const conditions = [{ ...ready, lastTransitionTime: secondsAgo(0) }];
    const { revision, digest, claimName } = anArtifact();
    expect(
      resolveModel(aServerView({ model: aModel({}, { conditions, artifact: anArtifact() }) })),
    ).toMatchObject({
      at: 'done',
      status: { model: { name: 'qwen', revision, digest, claimName } },
    });
  });
});

describe('a Model from an Ollama registry', () => {
  it('has its manifest named by the first digits of the digest', () => {
    const artifact = anArtifact({ revision: `sha256:${'fedcba98'.repeat(8)}` });
    expect(resolveModel(aServerView({ model: aModel({}, { artifact }) })).message).toBe(
      'Model "qwen" has published revision fedcba98fedc.',
    );
  });
});

describe('a Model without weights to load', () => {
  it('cannot be served, and the files that there are are named', () => {
    const files = ['lora.gguf', 'README.md'].map((path) => ({ path, sizeBytes: 1, sha256: '' }));
    const adapter = { ...files[0]!, role: 'adapter' as const };
    const artifact = anArtifact({ files: [adapter, files[1]!] });
    expect(resolveModel(aServerView({ model: aModel({}, { artifact }) }))).toEqual({
      at: 'blocked',
      reason: 'NotServable',
      message:
        'Model "qwen" holds no GGUF model, only lora.gguf, README.md. Serve a Model with a GGUF model; a LoRA adapter belongs beside one, in the same Model.',
    });
  });
});

describe('runWorkload', () => {
  it('wants a Service and a Deployment, wherever things stand', () => {
    for (const deployment of [undefined, aDeployment(complete)]) {
      const kinds = runWorkload(aServerView({ deployment })).apply?.map(({ kind }) => kind.kind);
      expect(kinds?.toSorted()).toEqual(['Deployment', 'Service']);
    }
  });

  it('is done when every replica of the newest kind answers', () => {
    const pods = [aPod('a', { ready: true })];
    expect(runWorkload(aServerView({ deployment: aDeployment(complete), pods }))).toMatchObject({
      at: 'done',
      message: '1 of 1 answer at http://chat.ns.svc.',
      status: {
        ready: '1/1',
        readyReplicas: 1,
        load: { percent: 100, text: '100%' },
        selector: 'longshore.dev/server=chat',
      },
    });
  });

  it.for([
    ['a status that is about an older spec', { ...complete, observedGeneration: 0 }],
    ['a replica that is not ready', { ...complete, readyReplicas: 0 }],
    ['a replica of the old kind', { ...complete, updatedReplicas: 0 }],
    ['a replica of the old kind that still runs', { ...complete, replicas: 2 }],
    ['a replica that is not available', { ...complete, unavailableReplicas: 1 }],
    ['no replica yet', {}],
  ] as const)('waits with %s', ([, status]) => {
    expect(runWorkload(aServerView({ deployment: aDeployment(status) })).at).toBe('waiting');
  });

  it('waits while the Deployment is the one of the artifact before, whose pods all answer', () => {
    const moved = aModel({}, { artifact: anArtifact({ claimName: 'another' }) });
    const view = aServerView({ model: moved, deployment: aDeployment(complete) });
    expect(runWorkload(view).at).toBe('waiting');
  });

  it('is done at zero replicas when none is left', () => {
    const server = aServer({ replicas: 0 });
    const none = runWorkload(aServerView({ server, deployment: aDeployment({}, server) }));
    expect(none).toMatchObject({ at: 'done', message: 'Scaled to zero.', status: { ready: '0/0' } });
    expect(none.status?.load).toBeUndefined();
    const left = runWorkload(aServerView({ server, deployment: aDeployment(complete, server) }));
    expect(left.at).toBe('waiting');
  });

  it('shows the load of the slowest pod', () => {
    const pods = [aPod('a'), aPod('b'), aPod('c', { ready: true })];
    const loads = new Map([
      ['a', loading(70)],
      ['b', loading(20)],
    ]);
    expect(runWorkload(aServerView({ deployment: aDeployment({}), pods, loads }))).toMatchObject({
      at: 'waiting',
      reason: 'Loading',
      status: { load: { percent: 20, text: '20%' } },
    });
  });

  it('takes no word of a pod that is ready for the load of one that is not', () => {
    const pods = [aPod('a', { ready: true }), aPod('b')];
    const done: LoadState = { phase: 'ready', percent: 100 };
    const loadOf = (loads: [string, LoadState][]) =>
      runWorkload(aServerView({ deployment: aDeployment({}), pods, loads: new Map(loads) })).status?.load;
    expect(loadOf([['a', done]])).toBeUndefined();
    expect(
      loadOf([
        ['a', loading(10)],
        ['b', loading(20)],
      ]),
    ).toMatchObject({ percent: 20 });
  });

  it('shows no load of a pod that is silent', () => {
    const loads = new Map([['a', 'silent' as const]]);
    const outcome = runWorkload(aServerView({ deployment: aDeployment({}), pods: [aPod('a')], loads }));
    expect(outcome).toMatchObject({ reason: 'Loading', status: { load: undefined }, conditions: [] });
  });

  it('is Starting until a pod runs', () => {
    const pods = [aPod('a', { phase: 'Pending' })];
    expect(runWorkload(aServerView({ deployment: aDeployment({}), pods }))).toMatchObject({
      reason: 'Starting',
      status: { load: undefined },
    });
  });

  it('is blocked with the words of a runtime that cannot load', () => {
    const message = JSON.stringify({ failure: { reason: 'LoadFailed', message: 'unknown architecture' } });
    expect(runWorkload(aServerView({ pods: [aPod('a', ended({ message }))] }))).toMatchObject({
      at: 'blocked',
      reason: 'LoadFailed',
      message: 'Pod a: unknown architecture',
    });
  });

  it('is blocked for the reason that the runtime gives', () => {
    const message = JSON.stringify({ failure: { reason: 'ApiKeysNotFound', message: 'no keys' } });
    expect(runWorkload(aServerView({ pods: [aPod('a', ended({ message }))] }))).toMatchObject({
      at: 'blocked',
      reason: 'ApiKeysNotFound',
      message: 'Pod a: no keys',
    });
  });

  it('is blocked when a pod is killed for its memory', () => {
    const pods = [aPod('a', ended({ reason: 'OOMKilled' }))];
    expect(runWorkload(aServerView({ pods }))).toMatchObject({ at: 'blocked', reason: 'InsufficientMemory' });
  });

  it('does not take any other last word for a failed load', () => {
    for (const message of ['Killed', '{"failure":{"reason":"Bored","message":"x"}}', '']) {
      expect(runWorkload(aServerView({ pods: [aPod('a', ended({ message }))] })).at).toBe('waiting');
    }
  });

  it('forgets a failure as soon as all answer', () => {
    const message = JSON.stringify({ failure: { reason: 'LoadFailed', message: 'once' } });
    const pods = [aPod('a', { ...ended({ message }), ready: true })];
    expect(runWorkload(aServerView({ deployment: aDeployment(complete), pods })).at).toBe('done');
  });

  it('tells what keeps a pod from starting', () => {
    const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no GPU' };
    const pods = [aPod('a', { phase: 'Pending', conditions: [condition] })];
    expect(runWorkload(aServerView({ pods }))).toMatchObject({
      at: 'waiting',
      reason: 'Unschedulable',
      message: 'Pod a: no GPU',
    });
  });
});

describe('how chats are rendered', () => {
  const fine = { description: 'Chats are rendered with the template of the model.' };
  const odd = {
    description: 'Chats are rendered with the template of the file.',
    problem: 'No {{ range }}.',
  };
  const told = (
    chats: Record<string, LoadState['chat']>,
    pods = Object.keys(chats).map((name) => aPod(name)),
  ) => {
    const loads = new Map(
      Object.entries(chats).map(([name, chat]) => [name, { ...loading(100), ...(chat && { chat }) }]),
    );
    return runWorkload(aServerView({ pods, loads })).conditions;
  };
  const honored = {
    type: 'ChatTemplateHonored',
    status: 'True',
    reason: 'Succeeded',
    message: fine.description,
  };
  const problem = {
    type: 'ChatTemplateHonored',
    status: 'False',
    reason: 'TemplateNotSupported',
    message: `${odd.description} ${odd.problem}`,
  };

  it('is a condition in the words of the pods, one with a problem first', () => {
    expect(told({ a: fine, b: fine })).toEqual([honored]);
    expect(told({ a: fine, b: odd })).toEqual([problem]);
    expect(told({ a: undefined, b: fine })).toEqual([honored]);
  });

  it('is told by pods that are ready too', () => {
    expect(told({ a: odd }, [aPod('a', { ready: true })])).toEqual([problem]);
  });

  it('is left as it is said while no pod says anything', () => {
    expect(told({})).toEqual([]);
    expect(told({ a: undefined })).toEqual([]);
    expect(told({ gone: odd }, [])).toEqual([]);
  });

  it('goes by the newest pod that says it', () => {
    const pod = (name: string, seconds: number): Live<Pod> => {
      const { metadata, ...rest } = aPod(name);
      return { ...rest, metadata: { ...metadata, creationTimestamp: secondsAgo(seconds) } };
    };
    const other = { description: 'Otherwise.' };
    expect(told({ a: other, b: fine }, [pod('a', 60), pod('b', 5)])).toEqual([honored]);
  });

  it('says nothing of whether the server is ready', () => {
    const pods = [aPod('a', { ready: true })];
    const loads = new Map([['a', { phase: 'ready' as const, percent: 100, chat: odd }]]);
    expect(runWorkload(aServerView({ deployment: aDeployment(complete), pods, loads })).at).toBe('done');
  });
});
