import { describe, expect, it } from 'vitest';
import type { ModelServer } from '../../api/modelserver.ts';
import type { Live } from '../../kube/kind.ts';
import { forceDeleteAnnotation, inUseFinalizer } from '../labels.ts';
import { decide } from '../step.ts';
import {
  aClaim,
  aJob,
  aModel,
  anArtifact,
  aServer,
  aView,
  meta,
  now,
  secondsAgo,
} from '../testing/objects.ts';
import { isHeldForNobody, modelsUsedBy, stepsWhileKept, usersOf, waitForServers } from './deletion.ts';

const used = { revision: 'r', digest: 'd', claimName: 'c' };

function server(name: string, modelRef: string, mounts?: string, ending = false): Live<ModelServer> {
  const status = mounts === undefined ? undefined : { model: { name: mounts, ...used } };
  const metadata = meta(name, ending ? { deletionTimestamp: secondsAgo(1) } : {});
  return { ...aServer({ modelRef: { name: modelRef } }, status), metadata };
}

const held = (more: object = {}) => {
  const model = aModel();
  return { ...model, metadata: { ...model.metadata, finalizers: [inUseFinalizer], ...more } };
};

describe('a server', () => {
  it('uses the Model that it names, and until it has turned to that the one before', () => {
    expect(modelsUsedBy(server('a', 'qwen'))).toEqual(['qwen']);
    expect(modelsUsedBy(server('a', 'qwen', 'qwen'))).toEqual(['qwen']);
    expect(modelsUsedBy(server('a', 'llama', 'qwen'))).toEqual(['llama', 'qwen']);
    const turning = server('a', 'llama', 'llama');
    const rollout = { strategy: 'Surge' as const, from: { name: 'qwen', ...used }, answering: [] };
    expect(modelsUsedBy({ ...turning, status: { ...turning.status, rollout } })).toEqual(['llama', 'qwen']);
  });

  it('uses the adapters and the draft model that it names, or has loaded', () => {
    const runtime = {
      adapters: [{ modelRef: { name: 'sql' } }, { modelRef: { name: 'poems' } }],
      draftModelRef: { name: 'small' },
    };
    const part = { use: 'Adapter' as const, name: 'prose', ...used };
    const status = { model: { name: 'qwen', ...used }, parts: [part, { ...part, name: 'sql' }] };
    expect(modelsUsedBy(aServer({ runtime }, status))).toEqual(['qwen', 'sql', 'poems', 'small', 'prose']);
    const from = { name: 'llama', ...used };
    const fromParts = [{ ...part, name: 'before' }];
    const rollout = { strategy: 'Surge' as const, from, fromParts, answering: [] };
    expect(modelsUsedBy(aServer({}, { ...status, rollout }))).toEqual(
      expect.arrayContaining(['llama', 'before']),
    );
  });
});

describe('usersOf', () => {
  it('names the servers in order, and none that is being deleted or has turned to another Model', () => {
    const servers = [
      server('turning', 'llama', 'qwen'),
      server('ending', 'qwen', 'qwen', true),
      server('turned', 'llama', 'llama'),
      server('begins', 'qwen'),
    ];
    expect(usersOf(aModel(), servers)).toEqual(['begins', 'turning']);
  });
});

describe('a finalizer', () => {
  const users = [server('a', 'qwen')];

  it.for([
    ['is needed while a server uses the Model', held(), users, false],
    ['is not when none does', held(), [], true],
    ['is not when the last one ends', held(), [server('a', 'qwen', 'qwen', true)], true],
    ['is not when it is forced', held({ annotations: { [forceDeleteAnnotation]: 'true' } }), users, true],
    ['is when it is not', held({ annotations: { [forceDeleteAnnotation]: 'false' } }), users, false],
    ['that is not there need not be taken off', aModel(), [], false],
    ['of somebody else is theirs', held({ finalizers: ['example.com/x'] }), [], false],
  ] as const)('%s', ([, model, servers, expected]) => {
    expect(isHeldForNobody(model, servers)).toBe(expected);
  });
});

describe('a deleted Model that servers use', () => {
  const servers = [server('one', 'qwen', 'qwen'), server('two', 'qwen')];
  const model = held({ deletionTimestamp: secondsAgo(1), generation: 2 });

  it('tells who they are and what to do, and is Stalled: it needs a person', () => {
    const status = { artifact: anArtifact(), queue: { since: secondsAgo(9), position: 1 } };
    const decided = decide(stepsWhileKept, aView({ model, servers }), { status, generation: 2, now });
    const ready = decided.status.conditions?.find(({ type }) => type === 'Ready');
    expect(ready).toMatchObject({ status: 'False', reason: 'InUse', observedGeneration: 2 });
    expect(ready?.message).toBe(
      'The Model was deleted and stays while ModelServers use it: one, two. Delete them, or name another Model in their spec; the annotation longshore.dev/force-delete: "true" has the Model go at once.',
    );
    expect(decided.status.conditions?.find(({ type }) => type === 'Stalled')?.status).toBe('True');
    expect(decided.status.artifact).toEqual(status.artifact);
    expect(decided.status.queue).toBeUndefined();
    expect(decided.apply).toEqual([]);
  });

  it('has what was begun for it end, and its progress forgotten', () => {
    const running = aJob({ request: 'a', task: 'pull' });
    const done = aJob({ request: 'b', ended: { type: 'Complete', secondsAgo: 9 } });
    const outcome = waitForServers(aView({ model, servers, jobs: [running, done] }));
    expect(outcome.remove?.map(({ object }) => object)).toEqual([running]);
    expect(outcome.status).toEqual({ progress: undefined });
    expect(waitForServers(aView({ model, servers, jobs: [done] }))).not.toHaveProperty('status');
  });

  it('may be told yet to leave its claim', () => {
    const { spec } = aModel({ storage: { reclaimPolicy: 'Retain' } });
    const view = aView({ model: { ...model, spec }, servers, claims: [aClaim('qwen-claim')] });
    const { apply } = decide(stepsWhileKept, view, { status: undefined, generation: 2, now });
    expect(apply.map(({ object }) => object.metadata)).toMatchObject([
      { name: 'qwen-claim', labels: { 'longshore.dev/reclaim-policy': 'Retain' } },
    ]);
  });
});
