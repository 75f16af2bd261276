import { describe, expect, it } from 'vitest';
import type { Model } from '../../../api/model.ts';
import type { Job, Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import type { PullerReport } from '../../../protocols/puller.ts';
import { labels } from '../../labels.ts';
import { aClaim, aModel, anArtifact, aPodOf, meta, now, secondsAgo } from '../../testing/objects.ts';
import { judgeLeftovers, type LeftoverView } from './leftovers.ts';
import { noteFor } from './note.ts';

const shared = aClaim('shared', { metadata: { ownerReferences: [] } });
const { uid: claimUid } = shared.metadata;
const gone = { ...aModel({ storage: { claimName: 'shared' } }), metadata: meta('qwen', { uid: 'gone' }) };
const image = 'puller:1';

/** A Job for what Model `gone` has on the claim: the note, or an attempt that runs or has ended. */
function job(attempt: number, ended?: 'Complete' | 'Failed', seconds = 3600): Live<Job> {
  const { metadata } = noteFor(gone, { claim: { name: 'shared', uid: claimUid }, image, defaults: {} });
  const condition = { type: ended ?? '', status: 'True', lastTransitionTime: secondsAgo(seconds) };
  return {
    metadata: meta(metadata.name.replace(/0$/, String(attempt)), {
      labels: { ...metadata.labels, [labels.attempt]: String(attempt) },
    }),
    ...(ended && { status: { conditions: [condition] } }),
  };
}
const note = job(0);
const collection = { freedBytes: 4_700_000_000, removedBlobs: 1, keptBlobs: 2 };

function judge(view: Partial<LeftoverView> = {}) {
  const verdicts = judgeLeftovers({
    model: undefined,
    jobs: [note],
    pods: [],
    claims: [shared],
    usersOf: () => [],
    isQuiet: () => true,
    image,
    now,
    ...view,
  });
  expect(verdicts).toHaveLength(1);
  return verdicts[0]!;
}

/** The Model of that name that there is now. */
function living(
  status: Model['status'] = {},
  { uid = 'living', storage = { claimName: 'shared' } }: { uid?: string; storage?: object } = {},
) {
  return { ...aModel({ storage }, status), metadata: meta('qwen', { uid }) };
}
const published = { artifact: anArtifact({ claimName: 'shared', claimUid }) };
const elsewhere = { artifact: anArtifact() };

function puller(phase: string, uid?: string): Live<Pod> {
  const told = { [labels.task]: 'pull', ...(uid !== undefined && { [labels.modelUid]: uid }) };
  return { metadata: meta('puller', { labels: told }), status: { phase } };
}

describe('the files of a Model that is gone', () => {
  it('are to be removed, all of them', () => {
    expect(judge()).toMatchObject({
      at: 'due',
      modelUid: 'gone',
      claim: shared,
      attempt: 1,
      before: note,
      graceSeconds: 0,
    });
  });

  it('went with their claim', () => {
    const another = aClaim('shared', { metadata: { uid: 'another' } });
    expect(judge({ claims: [] })).toEqual({ at: 'gone', jobs: [note] });
    expect(judge({ claims: [another] })).toEqual({ at: 'gone', jobs: [note] });
  });

  it('stay while a server may use them, and it is named', () => {
    expect(judge({ usersOf: ({ metadata }) => [`on ${metadata.name}`] })).toMatchObject({
      at: 'used',
      servers: ['on shared'],
    });
  });

  it('stay while a pod of a pull of its may still write', () => {
    expect(judge({ pods: [puller('Running', 'gone')] })).toEqual({ at: 'kept' });
    expect(judge({ pods: [puller('Running')] })).toEqual({ at: 'kept' });
    expect(judge({ pods: [puller('Failed', 'gone')] }).at).toBe('due');
  });

  it('stay until a Model of its name that is there now has found them', () => {
    expect(judge({ model: living() })).toEqual({ at: 'kept' });
    expect(judge({ model: living(published) }).at).toBe('due');
    expect(judge({ model: living({}, { storage: {} }) }).at).toBe('due');
    expect(judge({ model: living(), pods: [puller('Running', 'living')] }).at).toBe('kept');
    expect(judge({ model: living(published), pods: [puller('Running', 'living')] }).at).toBe('due');
  });

  it('go, but for what came lately, while a Model on the claim is still being pulled', () => {
    expect(judge({ isQuiet: () => false })).toMatchObject({ at: 'due', graceSeconds: 3600 });
  });
});

describe('the files of a Model that is there', () => {
  const same = (status: Model['status'], storage: object = { claimName: 'shared' }) =>
    judge({ model: living(status, { uid: 'gone', storage }) });

  it('stay while it names the claim, or has published on it', () => {
    expect(same(published)).toEqual({ at: 'kept' });
    expect(same({})).toEqual({ at: 'kept' });
    expect(same(published, {})).toEqual({ at: 'kept' });
  });

  it('go when it has published elsewhere, and not before', () => {
    expect(same({}, {})).toEqual({ at: 'kept' });
    expect(same(elsewhere, {})).toMatchObject({ at: 'due', modelUid: 'gone' });
  });

  it('stay while it pulls anything', () => {
    const model = living(elsewhere, { uid: 'gone', storage: {} });
    expect(judge({ model, pods: [puller('Running', 'gone')] })).toEqual({ at: 'kept' });
  });
});

describe('a Job that removes files', () => {
  const ended = (end: 'Complete' | 'Failed', seconds: number, left?: PullerReport) => {
    const run = job(1, end, seconds);
    return judge({ jobs: [run], pods: left ? [aPodOf(run, left)] : [] });
  };

  it('is waited for', () => {
    expect(judge({ jobs: [job(1)] })).toEqual({ at: 'kept' });
    // Also when it has been decided otherwise since: what it does cannot be undone by half.
    expect(judge({ jobs: [job(1)], model: living() })).toEqual({ at: 'kept' });
  });

  it('says what it has removed, and goes with the note if that is still there', () => {
    const run = job(1, 'Complete', 10);
    const pods = [aPodOf(run, { collection })];
    expect(judge({ jobs: [note, run], pods })).toEqual({
      at: 'collected',
      claim: shared,
      collection,
      jobs: [note, run],
    });
  });

  it('is followed by another when it fails, after a pause that grows to an hour', () => {
    const failure = { reason: 'VolumeReadOnly' as const, message: 'read-only' };
    expect(ended('Failed', 4, { failure })).toEqual({ at: 'kept', recheckAfter: 6 });
    expect(ended('Failed', 10, { failure })).toMatchObject({ at: 'due', attempt: 2, failure });
    const late = job(30, 'Failed', 3599);
    expect(judge({ jobs: [late], pods: [aPodOf(late, { failure })] })).toEqual({
      at: 'kept',
      recheckAfter: 1,
    });
  });

  it('that failed is not followed while a server may use the files by now', () => {
    const failed = job(1, 'Failed');
    const pods = [aPodOf(failed, { failure: { reason: 'PullerFailed', message: '' } })];
    expect(judge({ jobs: [failed], pods, usersOf: () => ['chat'] })).toMatchObject({ at: 'used' });
  });
});

it('there is a verdict for each Model and claim', () => {
  const other = { ...gone, metadata: meta('qwen', { uid: 'other' }) };
  const { metadata } = noteFor(other, { claim: { name: 'shared', uid: claimUid }, image, defaults: {} });
  const second = { metadata: meta(metadata.name, { labels: metadata.labels ?? {} }) };
  const verdicts = judgeLeftovers({
    model: undefined,
    jobs: [note, second, job(1)],
    pods: [],
    claims: [shared],
    image,
    now,
    usersOf: () => [],
    isQuiet: () => true,
  });
  expect(verdicts.map(({ at }) => at)).toEqual(['kept', 'due']);
});
