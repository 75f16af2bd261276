import { describe, expect, it } from 'vitest';
import type { Model, ModelStatus } from '../api/model.ts';
import { jobs, persistentVolumeClaims, services } from '../kube/builtin.ts';
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
    decision: Decision<ModelStatus>,
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
      apply: (kind: Kind<KubeObject>, wanted: KubeObject) => {
        note('apply', kind, wanted.metadata ?? {});
        return this.#refusal ? Promise.reject(this.#refusal) : Promise.resolve(wanted);
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
    return act(acting, { kind: models, object }, decision, cached, signal);
  }

  condition(type: string) {
    return findCondition((this.statuses.at(-1) as ModelStatus).conditions, type);
  }
}

const notFound = new ApiError({ status: 404, reason: 'NotFound', message: 'not there' });
const forbidden = new ApiError({ status: 403, reason: 'Forbidden', message: 'exceeded quota: claims' });

function decision(outcome: Partial<Outcome<ModelStatus>>, status?: ModelStatus): Decision<ModelStatus> {
  const run = () => ({ at: 'done' as const, message: 'All is well.', ...outcome }) as Outcome<ModelStatus>;
  return decide([{ condition: 'Pulled', run }], undefined, { status, generation: 1, now });
}

const job = child(jobs, { metadata: { name: 'pull', namespace: 'ns' } });
const theirs: Live<KubeObject> = { metadata: meta('pull') };
const ours: Live<KubeObject> = { metadata: meta('pull', { ownerReferences: [controlledBy(models, owner)] }) };

/** The retained claim with other labels. */
function labelled(labels: Record<string, string>): Live<KubeObject> {
  const live = aRetainedClaim('volume', { content: 'c' });
  return { ...live, metadata: { ...live.metadata, labels: { ...live.metadata.labels, ...labels } } };
}

describe('act', () => {
  it('applies, then removes, then writes the status, once each', async () => {
    const api = new Api();
    const old = childRef(services, { metadata: meta('old') });
    await api.act(decision({ apply: [job], remove: [old] }));
    expect(api.calls).toEqual(['get Job pull', 'apply Job pull', 'delete Service old', 'status Model qwen']);
  });

  it('does not ask for what the cache holds', async () => {
    const api = new Api();
    await api.act(decision({ apply: [job] }), owner, () => ours);
    expect(api.calls).toEqual(['apply Job pull', 'status Model qwen']);
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
    for (const [api, cached] of [
      [new Api([live]), undefined],
      [new Api(), live],
    ] as const) {
      const { recheckAfter } = await api.act(decision({ apply: [job] }), owner, () => cached);
      expect(api.calls.filter((call) => call.startsWith('apply'))).toEqual([]);
      expect(api.condition('Ready')).toMatchObject({ status: 'False', reason: 'NameTaken' });
      expect(api.condition('Ready')?.message).toContain('Job named "pull"');
      expect(api.condition('Stalled')?.status).toBe('True');
      expect(recheckAfter).toBe(30);
    }
  });

  it('waits for the garbage collector when the object belonged to a deleted one of the same name', async () => {
    const former = { ...controlledBy(models, owner), uid: 'former' };
    const api = new Api([{ metadata: meta('pull', { ownerReferences: [former] }) }]);
    await expect(api.act(decision({ apply: [job] }))).rejects.toThrow(/of the deleted Model/);
    expect(api.calls).toEqual(['get Job pull']);
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

  it('takes nothing but a claim for a retained one', async () => {
    const api = new Api([{ metadata: { ...kept.metadata, name: 'pull' } }]);
    await api.act(decision({ apply: [job] }));
    expect(api.condition('Ready')?.reason).toBe('NameTaken');
  });

  it('says a refusal in Ready, Reconciling and Stalled, and leaves the step as it stands', async () => {
    const api = new Api([], forbidden);
    const { recheckAfter } = await api.act(decision({ apply: [job] }));
    const told = {
      reason: 'WriteRefused',
      message: 'The API server refused a write: exceeded quota: claims',
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
    new ApiError({ status: 409, reason: 'Conflict', message: 'changed' }),
    new ApiError({ status: 500, reason: 'InternalError', message: 'etcd' }),
    new ApiError({ status: 0, reason: 'Unreachable', message: 'refused' }),
  ])('throws what trying again may mend: $reason', async (error) => {
    await expect(new Api([], error).act(decision({ apply: [job] }))).rejects.toBe(error);
  });

  it('tells an event when the reason of Ready changes, a warning when it is stalled', async () => {
    const api = new Api();
    await api.act(decision({ at: 'blocked', reason: 'GatedRepo', message: 'Ask.' }));
    expect(api.events).toEqual([{ type: 'Warning', reason: 'GatedRepo', note: 'Ask.' }]);
    const fine = new Api();
    await fine.act(decision({}));
    expect(fine.events).toMatchObject([{ type: 'Normal', reason: 'Ready' }]);
  });
});
