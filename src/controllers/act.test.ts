import { describe, expect, it } from 'vitest';
import type { ModelStatus } from '../api/model-status.ts';
import type { Model } from '../api/model.ts';
import { deployments, jobs, persistentVolumeClaims, services } from '../kube/builtin.ts';
import type { KubeClient } from '../kube/client.ts';
import { findCondition } from '../kube/conditions.ts';
import { ApiError } from '../kube/errors.ts';
import type { EventText } from '../kube/events.ts';
import { controlledBy, type Kind, type KubeObject, type Live, type Ref } from '../kube/kind.ts';
import { act, actor } from './act.ts';
import { models } from './kinds.ts';
import { child, childRef, decide, type Child, type Decision, type Outcome } from './step.ts';
import { aModel, aRetainedClaim, meta, now } from './testing/objects.ts';

const owner = aModel();
const signal = new AbortController().signal;

/** An API server that holds these objects, refuses with this error, and notes what is asked. */
class Api {
  readonly calls: string[] = [];
  readonly events: EventText[] = [];
  statuses: unknown[] = [];
  readonly #held: Live<KubeObject>[];
  readonly #refusal: ApiError | undefined;

  constructor(held: Live<KubeObject>[] = [], refusal?: ApiError) {
    this.#held = held;
    this.#refusal = refusal;
  }

  act(
    decision: Decision<ModelStatus> | Parameters<typeof act<Model>>[2],
    object: Live<Model> = owner,
    cached: (child: Child) => Live<KubeObject> | undefined = () => undefined,
  ) {
    const note = (
      verb: string,
      { kind }: { kind: string },
      { name }: { name?: string | undefined },
    ): void => {
      this.calls.push(`${verb} ${kind} ${name}`);
    };
    const client = {
      get: (kind: Kind<KubeObject>, ref: Ref) => {
        note('get', kind, ref);
        const found = this.#held.find(({ metadata }) => metadata.name === ref.name);
        return found ? Promise.resolve(found) : Promise.reject(notFound);
      },
      create: (kind: Kind<KubeObject>, wanted: KubeObject) => {
        note('create', kind, wanted.metadata ?? {});
        const isThere = this.#held.some(({ metadata }) => metadata.name === wanted.metadata?.name);
        const refusal = this.#refusal ?? (isThere ? alreadyExists : undefined);
        return refusal ? Promise.reject(refusal) : Promise.resolve(made(wanted));
      },
      apply: (kind: Kind<KubeObject>, wanted: KubeObject) => {
        note('apply', kind, wanted.metadata ?? {});
        const held = this.#held.find(({ metadata }) => metadata.name === wanted.metadata?.name);
        return this.#refusal ? Promise.reject(this.#refusal) : Promise.resolve(made(wanted, held));
      },
      delete: (kind: Kind<KubeObject>, ref: Ref) => Promise.resolve(note('delete', kind, ref)),
      applyStatus: (kind: Kind<KubeObject>, { metadata, status }: KubeObject & { status: unknown }) => {
        note('status', kind, metadata ?? {});
        this.statuses.push(status);
        return Promise.resolve({ metadata });
      },
    };
    const events = { record: (_about: unknown, text: EventText) => void this.events.push(text) };
    const acting = actor(client as unknown as KubeClient, events, () => now);
    return act(
      acting,
      { kind: models, object },
      typeof decision === 'function' ? decision : () => decision,
      cached,
      signal,
    );
  }

  condition(type: string) {
    return findCondition((this.statuses.at(-1) as ModelStatus).conditions, type);
  }
}

const notFound = new ApiError({ status: 404, reason: 'NotFound', message: 'not there' });
const alreadyExists = new ApiError({ status: 409, reason: 'AlreadyExists', message: 'there' });
/** What is there after a write. */
const made = (wanted: KubeObject, before?: Live<KubeObject>): Live<KubeObject> => {
  const metadata = { ...meta(wanted.metadata?.name ?? ''), ...before?.metadata, ...wanted.metadata };
  return { ...before, ...wanted, metadata: metadata as Live<KubeObject>['metadata'] };
};
const forbidden = new ApiError({ status: 403, reason: 'Forbidden', message: 'maximum memory usage' });

function decision(outcome: Partial<Outcome<ModelStatus>>, status?: ModelStatus): Decision<ModelStatus> {
  const run = () => ({ at: 'done' as const, message: 'All is well.', ...outcome }) as Outcome<ModelStatus>;
  return decide([{ condition: 'Pulled', run }], undefined, { status, generation: 1, now });
}

const job = child(jobs, { metadata: { name: 'pull', namespace: 'ns' } });
const service = child(services, { metadata: { name: 'pull', namespace: 'ns' } });
const theirs: Live<KubeObject> = { metadata: meta('pull') };
const ours: Live<KubeObject> = { metadata: meta('pull', { ownerReferences: [controlledBy(models, owner)] }) };

/** The child as its owner makes it. */
function owned({ kind, object }: Child): Child {
  return child(kind, {
    ...object,
    metadata: { ...object.metadata, ownerReferences: [controlledBy(models, owner)] },
  });
}

/** The retained claim with other labels. */
function labelled(labels: Record<string, string>): Live<KubeObject> {
  const live = aRetainedClaim('volume', { content: 'c' });
  return { ...live, metadata: { ...live.metadata, labels: { ...live.metadata.labels, ...labels } } };
}

describe('act', () => {
  const old = childRef(services, { metadata: meta('old') });

  it('applies, then removes, then writes the status, once each', async () => {
    const api = new Api([owner]);
    await api.act(decision({ apply: [owned(service)], remove: [old] }));
    expect(api.calls).toEqual([
      'get Service pull',
      'apply Service pull',
      'get Model qwen',
      'delete Service old',
      'status Model qwen',
    ]);
  });

  it.each([
    ['has another spec by now', [{ ...owner, metadata: { ...owner.metadata, generation: 2 } }]],
    ['was made again', [{ ...owner, metadata: { ...owner.metadata, uid: 'another' } }]],
    ['is gone', []],
  ])('removes nothing when the owner %s: what looks old may have been made for that', async (_, held) => {
    const api = new Api(held);
    expect(await api.act(decision({ remove: [old] }))).toEqual({ recheckAfter: 1 });
    expect(api.calls).toEqual(['get Model qwen']);
  });

  it('does not ask for what the cache holds', async () => {
    const api = new Api();
    await api.act(decision({ apply: [service] }), owner, () => ours);
    expect(api.calls).toEqual(['apply Service pull', 'status Model qwen']);
  });

  it('makes a Job by one request, and changes none', async () => {
    const api = new Api();
    await api.act(decision({ apply: [owned(job)] }));
    expect(api.calls).toEqual(['create Job pull', 'status Model qwen']);
    const cached = new Api();
    await cached.act(decision({ apply: [job] }), owner, () => ours);
    expect(cached.calls).toEqual(['status Model qwen']);
    const behind = new Api([ours]);
    await behind.act(decision({ apply: [job] }));
    expect(behind.calls).toEqual(['create Job pull', 'get Job pull', 'status Model qwen']);
    expect(behind.condition('Ready')?.reason).toBe('Ready');
  });

  it('decides again by what it made, from where the status stands, and writes the status once', async () => {
    const api = new Api();
    const told: [ModelStatus | undefined, string[]][] = [];
    const claim = child(persistentVolumeClaims, {
      metadata: { name: 'claim', namespace: 'ns', ownerReferences: [controlledBy(models, owner)] },
    });
    await api.act((status, seen) => {
      told.push([status, seen.map(({ kind, object }) => `${kind.kind} ${object.metadata.name}`)]);
      const storage = { claimName: 'claim', size: `${seen.length}Gi` };
      const waiting = {
        at: 'waiting',
        reason: 'WaitingForVolume',
        message: '',
        status: { storage },
      } as const;
      if (seen.length === 0) return decision({ ...waiting, apply: [claim] }, status);
      if (seen.length === 1) return decision({ ...waiting, apply: [claim, owned(job)] }, status);
      return decision({ at: 'waiting', reason: 'Pulling', message: '' }, status);
    });
    expect(told.map(([status, seen]) => [status?.storage?.size, seen])).toEqual([
      [undefined, []],
      ['0Gi', ['PersistentVolumeClaim claim']],
      ['1Gi', ['PersistentVolumeClaim claim', 'Job pull']],
    ]);
    expect(api.calls).toEqual([
      'get PersistentVolumeClaim claim',
      'apply PersistentVolumeClaim claim',
      'create Job pull',
      'status Model qwen',
    ]);
    expect(api.condition('Ready')?.reason).toBe('Pulling');
  });

  it('decides again by what the cache does not have yet', async () => {
    const api = new Api([ours]);
    const seen: number[] = [];
    await api.act((status, known) => {
      seen.push(known.length);
      return decision({ apply: [service] }, status);
    });
    expect(seen).toEqual([0, 1]);
  });

  it('does not take what it made for a child of another kind and the same name', async () => {
    const api = new Api();
    const deployment = child(deployments, { metadata: { name: 'pull', namespace: 'ns' } });
    await api.act(decision({ apply: [owned(service), owned(deployment)] }));
    expect(api.calls.slice(0, 4)).toEqual([
      'get Service pull',
      'apply Service pull',
      'get Deployment pull',
      'apply Deployment pull',
    ]);
  });

  it('tells the events of every decision once the status is written, and none when nothing of it changes', async () => {
    const event = (note: string) => ({ type: 'Normal' as const, reason: 'RevisionChanged', note });
    const api = new Api();
    await api.act((status, seen) =>
      seen.length === 0
        ? decision({ apply: [owned(service)], events: [event('first')] }, status)
        : decision({ apply: [owned(service)], events: [event('second')] }, status),
    );
    expect(api.events.map(({ note }) => note).slice(0, 2)).toEqual(['first', 'second']);
    const written = { ...owner, status: api.statuses[0] as ModelStatus };
    const again = new Api();
    await again.act(decision({ events: [event('third')] }, written.status), written);
    expect(again.events).toEqual([]);
  });

  it('comes to an end when every decision makes something', async () => {
    const api = new Api();
    await api.act((status, seen) => {
      const metadata = { name: `job-${seen.length}`, namespace: 'ns' };
      return decision({ apply: [child(jobs, { metadata })] }, status);
    });
    expect(api.calls.filter((call) => call.startsWith('create'))).toHaveLength(4);
  });

  it('says a refusal of what a later decision makes, beside what the first one found', async () => {
    const api = new Api([theirs]);
    const metadata = { name: 'first', namespace: 'ns' };
    await api.act((status, seen) => {
      const storage = { claimName: 'c', size: '1Gi' };
      const apply = [child(jobs, { metadata }), ...(seen.length > 0 ? [job] : [])];
      return decision({ apply, status: { storage } }, status);
    });
    expect(api.condition('Ready')?.reason).toBe('NameTaken');
    expect((api.statuses[0] as ModelStatus).storage?.size).toBe('1Gi');
  });

  it('writes no status that is there already', async () => {
    const api = new Api();
    const first = decision({});
    await api.act(decision({}, first.status), aModel({}, first.status));
    expect(api.calls).toEqual([]);
    expect(api.events).toEqual([]);
  });

  it('passes on when to look again', async () => {
    const outcome = { at: 'waiting', reason: 'Pulling', message: '', recheckAfter: 2 } as const;
    expect(await new Api().act(decision(outcome))).toEqual({ recheckAfter: 2 });
  });

  it.for([
    ['nobody', theirs],
    [
      'another',
      { metadata: meta('pull', { ownerReferences: [controlledBy(models, { metadata: meta('b') })] }) },
    ],
  ] as const)('leaves an object that belongs to %s alone and says NameTaken', async ([, live]) => {
    for (const [api, wanted, cached] of [
      [new Api([live]), service, undefined],
      [new Api(), service, live],
      [new Api([live]), job, undefined],
      [new Api(), job, live],
    ] as const) {
      const { recheckAfter } = await api.act(decision({ apply: [wanted] }), owner, () => cached);
      expect(api.calls.filter((call) => call.startsWith('apply'))).toEqual([]);
      expect(api.condition('Ready')).toMatchObject({ status: 'False', reason: 'NameTaken' });
      expect(api.condition('Ready')?.message).toContain(`${wanted.kind.kind} named "pull"`);
      expect(api.condition('Stalled')?.status).toBe('True');
      expect(recheckAfter).toBe(30);
    }
  });

  it('waits for the garbage collector when the object belonged to a deleted one of the same name', async () => {
    const former = { ...controlledBy(models, owner), uid: 'former' };
    const api = new Api([{ metadata: meta('pull', { ownerReferences: [former] }) }]);
    await expect(api.act(decision({ apply: [job] }))).rejects.toThrow(/of the deleted Model/);
    expect(api.calls).toEqual(['create Job pull', 'get Job pull']);
  });

  const volume = child(persistentVolumeClaims, { metadata: { name: 'volume', namespace: 'ns' } });
  const kept = aRetainedClaim('volume', { content: 'c' });

  const cases: [string, Live<KubeObject>, string[]][] = [
    ['kept for it', kept, ['apply PersistentVolumeClaim volume']],
    ['kept for another', labelled({ 'longshore.dev/model': 'other' }), []],
    ['not kept by us', labelled({ 'app.kubernetes.io/managed-by': 'helm' }), []],
    ['left by somebody', labelled({ 'longshore.dev/reclaim-policy': 'Delete' }), []],
    [
      "another's by now",
      {
        ...kept,
        metadata: {
          ...kept.metadata,
          ownerReferences: [controlledBy(models, { metadata: meta('other') })],
        },
      },
      [],
    ],
  ];

  it.for(cases)(
    'takes a claim only if it is its own or kept for its name: one %s',
    async ([, live, applied]) => {
      const api = new Api([live]);
      await api.act(decision({ apply: [volume] }));
      expect(api.calls.filter((call) => call.startsWith('apply'))).toEqual(applied);
      expect(api.condition('Ready')?.reason).toBe(applied.length > 0 ? 'Ready' : 'NameTaken');
    },
  );

  it('takes a note for its own, which has no owner, and that of one before it for nobody’s', async () => {
    const noted = (uid: string): Live<KubeObject> => ({
      metadata: meta('pull', { labels: { 'longshore.dev/task': 'collect', 'longshore.dev/model-uid': uid } }),
    });
    const own = new Api([noted(owner.metadata.uid)]);
    await own.act(decision({ apply: [job] }));
    expect(own.condition('Ready')?.reason).not.toBe('NameTaken');
    const former = new Api([noted('former')]);
    await former.act(decision({ apply: [job] }));
    expect(former.condition('Ready')?.reason).toBe('NameTaken');
  });

  it('takes nothing but a claim for a retained one', async () => {
    const api = new Api([{ metadata: { ...kept.metadata, name: 'pull' } }]);
    await api.act(decision({ apply: [job] }));
    expect(api.condition('Ready')?.reason).toBe('NameTaken');
  });

  it('waits for a quota to have room', async () => {
    const full = new ApiError({ status: 403, reason: 'Forbidden', message: 'exceeded quota: claims' });
    const api = new Api([], full);
    const { recheckAfter } = await api.act(decision({ apply: [job] }));
    expect(recheckAfter).toBe(30);
    expect(api.condition('Ready')).toMatchObject({ status: 'False', reason: 'QuotaExceeded' });
    expect(api.condition('Reconciling')?.status).toBe('True');
    expect(api.condition('Stalled')?.status).toBe('False');
    expect(api.events.map(({ type, reason }) => [type, reason])).toEqual([['Warning', 'QuotaExceeded']]);
  });

  it('gives the refusal of a child that may be refused to the decision, which is taken again from where it was', async () => {
    const api = new Api([], forbidden);
    const asked: unknown[] = [];
    const { recheckAfter } = await api.act((status, _seen, refused) => {
      asked.push([status, refused.map(({ child: { object }, message }) => [object.metadata.name, message])]);
      return refused.length > 0
        ? decision({ recheckAfter: 60 })
        : decision({ at: 'blocked', reason: 'GatedRepo', apply: [{ ...job, mayBeRefused: true }] });
    });
    expect(asked).toEqual([
      [owner.status, []],
      [owner.status, [['pull', 'maximum memory usage']]],
    ]);
    expect(api.condition('Ready')?.status).toBe('True');
    expect(api.events).toMatchObject([{ reason: 'Ready' }]);
    expect(recheckAfter).toBe(30);
  });

  it('leaves the event of a reason to the step that tells of it', async () => {
    const api = new Api();
    const event = { type: 'Normal' as const, reason: 'Ready', note: 'Ready in 3m12s.' };
    await api.act(decision({ events: [event] }));
    expect(api.events).toEqual([event]);
  });

  it('says a refusal in Ready, Reconciling and Stalled, and leaves the step as it stands', async () => {
    const api = new Api([], forbidden);
    const { recheckAfter } = await api.act(decision({ apply: [job] }));
    const told = {
      reason: 'WriteRefused',
      message: 'The API server refused a write: maximum memory usage',
    };
    expect(api.condition('Ready')).toMatchObject({ status: 'False', ...told });
    expect(api.condition('Reconciling')).toMatchObject({ status: 'False', ...told });
    expect(api.condition('Stalled')).toMatchObject({ status: 'True', ...told });
    expect(api.condition('Pulled')).toMatchObject({ status: 'True', reason: 'Succeeded' });
    expect(recheckAfter).toBe(30);
  });

  it('goes by what was written last for the times of a refusal that stays', async () => {
    const first = new Api([], forbidden);
    await first.act(decision({ apply: [job] }));
    const status = first.statuses[0] as ModelStatus;
    const again = new Api([], forbidden);
    await again.act(decision({ apply: [job] }, status), aModel({}, status));
    expect(again.calls).not.toContain('status Model qwen');
    expect(again.events).toEqual([]);
  });

  it.for([
    new ApiError({ status: 500, reason: 'InternalError', message: 'etcd' }),
    new ApiError({ status: 0, reason: 'Unreachable', message: 'refused' }),
  ])('throws what trying again may mend: $reason', async (error) => {
    for (const wanted of [job, service])
      await expect(new Api([], error).act(decision({ apply: [wanted] }))).rejects.toBe(error);
  });

  it('throws a conflict, which the next look at the caches may mend', async () => {
    const error = new ApiError({ status: 409, reason: 'Conflict', message: 'changed' });
    await expect(new Api([], error).act(decision({ apply: [service] }))).rejects.toBe(error);
    // Deleted between the two requests.
    await expect(new Api([], error).act(decision({ apply: [job] }))).rejects.toBe(notFound);
  });

  it('tells an event when the reason of Ready changes, a warning when it is stalled', async () => {
    const api = new Api();
    await api.act(decision({ at: 'blocked', reason: 'GatedRepo', message: 'Ask.' }));
    expect(api.events).toEqual([{ type: 'Warning', reason: 'GatedRepo', note: 'Ask.' }]);
    const fine = new Api();
    await fine.act(decision({}));
    expect(fine.events).toMatchObject([{ type: 'Normal', reason: 'Ready' }]);
  });

  it.for([
    ['Resolving', 0],
    ['WaitingForVolume', 0],
    ['Verifying', 0],
    ['ModelNotReady', 0],
    ['Starting', 0],
    ['Loading', 0],
    ['Pulling', 1],
    ['SourceUnreachable', 1],
    ['Unschedulable', 1],
  ] as const)('of what is on its way tells only what somebody looks up: of %s %d', async ([reason, told]) => {
    const api = new Api();
    await api.act(decision({ at: 'waiting', reason, message: '' }));
    expect(api.events).toHaveLength(told);
  });
});
