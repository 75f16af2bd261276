import { describe, expect, it } from 'vitest';
import type { Job } from '../../../kube/builtin.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { ApiError } from '../../../kube/errors.ts';
import type { EventText } from '../../../kube/events.ts';
import type { Kind, KubeObject, Live, Ref } from '../../../kube/kind.ts';
import { labels } from '../../labels.ts';
import { aClaim, aModel, aPodOf, meta, now, secondsAgo } from '../../testing/objects.ts';
import { collectLeftovers } from './collect-leftovers.ts';
import type { LeftoverView } from './leftovers.ts';
import { noteFor } from './note.ts';

const shared = aClaim('shared', { metadata: { ownerReferences: [] } });
const model = aModel({ storage: { claimName: 'shared' } });
const made = noteFor(model, {
  claim: { name: 'shared', uid: shared.metadata.uid },
  image: 'puller:1',
  defaults: {},
});
const name = (attempt: number): string => made.metadata.name.replace(/0$/, String(attempt));

function job(attempt: number, ended?: string): Live<Job> {
  const condition = { type: ended ?? '', status: 'True', lastTransitionTime: secondsAgo(600) };
  const ours = { ...made.metadata.labels, [labels.attempt]: String(attempt) };
  return {
    ...made,
    metadata: meta(name(attempt), { labels: ours }),
    ...(ended !== undefined && { status: { conditions: [condition] } }),
  };
}
const note = job(0);
const error = (status: number, message = '') => new ApiError({ status, reason: 'X', message });

/** An API server that holds these objects and may refuse to make any. */
async function collect(view: Partial<LeftoverView>, held: Live<KubeObject>[], refusal?: ApiError) {
  const calls: string[] = [];
  const events: EventText[] = [];
  const client = {
    get: (kind: Kind<KubeObject>, ref: Ref) => {
      const found = held.find(({ metadata }) => metadata.name === ref.name);
      calls.push(`get ${kind.kind} ${ref.name}`);
      return found ? Promise.resolve(found) : Promise.reject(error(404));
    },
    create: (kind: Kind<KubeObject>, { metadata }: KubeObject) => {
      calls.push(`create ${kind.kind} ${metadata?.name}`);
      return refusal ? Promise.reject(refusal) : Promise.resolve({ metadata });
    },
    delete: (kind: Kind<KubeObject>, ref: Ref) =>
      Promise.resolve(calls.push(`delete ${kind.kind} ${ref.name}`)),
  };
  const record = (about: KubeObject, text: EventText): void => {
    expect(about).toBe(shared);
    events.push(text);
  };
  const whole: LeftoverView = {
    model: undefined,
    jobs: [note],
    pods: [],
    claims: [shared],
    image: 'puller:2',
    now,
    usersOf: () => [],
    isQuiet: () => true,
    ...view,
  };
  const actor = { client: client as unknown as KubeClient, events: { record } };
  const { recheckAfter } = await collectLeftovers(actor, whole, new AbortController().signal);
  return { calls, events, recheckAfter };
}

describe('what a Model has left on a claim', () => {
  it('is removed by a Job that is there before the note goes', async () => {
    expect((await collect({}, [note])).calls).toEqual([
      'get Model qwen',
      `get Job ${name(0)}`,
      `create Job ${name(1)}`,
      `delete Job ${name(0)}`,
    ]);
  });

  it('is not when the API server still has the Model, of whatever shape', async () => {
    expect((await collect({}, [note, model])).calls).toEqual(['get Model qwen']);
  });

  it('is when another has its name', async () => {
    const another = { metadata: meta('qwen', { uid: 'another' }) };
    expect((await collect({}, [note, another])).calls).toContain(`create Job ${name(1)}`);
  });

  it('is another’s to remove when the note is gone by now', async () => {
    expect((await collect({}, [])).calls).toEqual(['get Model qwen', `get Job ${name(0)}`]);
  });

  it('stays noted when no Job can be made, and the claim tells why', async () => {
    const { calls, events, recheckAfter } = await collect({}, [note], error(403, 'exceeded quota'));
    expect(calls).not.toContain(`delete Job ${name(0)}`);
    expect(events).toMatchObject([{ type: 'Warning', reason: 'WriteRefused' }]);
    expect(events[0]?.note).toContain('exceeded quota');
    expect(recheckAfter).toBe(300);
  });

  it('stays noted when the API server fails', async () => {
    await expect(collect({}, [note], error(500))).rejects.toThrow(ApiError);
  });

  it('goes on when the Job was made already, and the note is still there', async () => {
    expect((await collect({}, [note], error(409))).calls).toContain(`delete Job ${name(0)}`);
  });

  it('is told to be in use', async () => {
    const { calls, events } = await collect({ usersOf: () => ['chat', 'draft'] }, [note]);
    expect(calls).toEqual([]);
    expect(events).toMatchObject([{ type: 'Normal', reason: 'InUse' }]);
    expect(events[0]?.note).toContain('chat, draft');
  });

  it('is told to be gone, and so are the Jobs', async () => {
    const done = job(1, 'Complete');
    const collection = { freedBytes: 4_700_000_000, removedBlobs: 2, keptBlobs: 0 };
    const { calls, events } = await collect({ jobs: [done], pods: [aPodOf(done, { collection })] }, []);
    expect(calls).toEqual([`delete Job ${name(1)}`]);
    expect(events).toMatchObject([{ type: 'Normal', reason: 'Collected' }]);
    expect(events[0]?.note).toContain('Removed 2 files, 4.7GB');
  });

  it('is tried again after a failure, of which the claim tells', async () => {
    const failed = job(1, 'Failed');
    const failure = { reason: 'VolumeReadOnly' as const, message: 'It cannot be written to.' };
    const pods = [aPodOf(failed, { failure })];
    const { calls, events } = await collect({ jobs: [failed], pods }, [failed]);
    expect(calls.slice(-2)).toEqual([`create Job ${name(2)}`, `delete Job ${name(1)}`]);
    expect(events).toMatchObject([{ type: 'Warning', reason: 'VolumeReadOnly' }]);
  });

  it('is nothing when the claim is gone', async () => {
    const { calls, events } = await collect({ claims: [] }, [note]);
    expect([calls, events]).toEqual([[`delete Job ${name(0)}`], []]);
  });
});
