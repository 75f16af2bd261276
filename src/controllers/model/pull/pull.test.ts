import { describe, expect, it } from 'vitest';
import type { ModelStatus } from '../../../api/model-status.ts';
import {
  aClaim,
  aJob,
  aModel,
  anArtifact,
  aRetainedClaim,
  aPodOf,
  aView,
  commit,
  downloading,
  secondsAgo,
} from '../../testing/objects.ts';
import {
  claim,
  failure,
  model,
  names,
  outcomeOf,
  publication,
  request,
  resolved,
} from '../../testing/pulls.ts';
import { contentOf } from '../source/content.ts';
import { inspectRequest } from '../view.ts';
import { pullArtifact, pullRequest } from './pull.ts';

const spec = { spec: { accessModes: ['ReadWriteOnce'] } };
const claimUid = claim.metadata.uid;
const failed = { ended: { type: 'Failed' as const, secondsAgo: 0 } };
const { content } = anArtifact();

describe('pullArtifact', () => {
  it('starts a Job for this very claim and commit', () => {
    const outcome = pullArtifact(aView({ model, claims: [claim] }), { resolved });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'Pulling', status: { progress: { percent: 0 } } });
    expect(names(outcome.apply)).toEqual([`qwen-pull-${request.slice(0, 8)}-1`]);
  });

  it('ends pulls of what was asked before, and leaves Jobs that have ended for people to read', () => {
    const old = aJob({ request: 'old', task: 'pull' });
    const inspection = aJob({ request: resolved.request });
    const ended = aJob({ request: 'older', task: 'pull', ended: { type: 'Failed', secondsAgo: 9 } });
    const view = aView({ model, claims: [claim], jobs: [old, inspection, ended] });
    expect(names(pullArtifact(view, { resolved }).remove)).toEqual([old.metadata.name]);
  });

  it('waits for Jobs that remove files of the Model, and ends them', () => {
    const removing = aJob({ request: 'replaced', task: 'collect' });
    const removed = aJob({ request: 'older', task: 'collect', ended: { type: 'Complete', secondsAgo: 9 } });
    const note = aJob({ request: 'noted', task: 'collect', attempt: 0 });
    const run = aJob({ request: 'moved', task: 'collect' });
    const view = aView({ model, claims: [claim], jobs: [removing, removed], notes: [note, run] });
    const outcome = pullArtifact(view, { resolved });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'Pulling' });
    expect(names(outcome.remove)).toEqual([removing.metadata.name, run.metadata.name]);
    expect(outcome.apply).toBeUndefined();

    const ending = aView({ model, claims: [claim], collectors: [aPodOf(removing)] });
    expect(pullArtifact(ending, { resolved })).toMatchObject({ at: 'waiting', remove: [] });
  });

  it('tells what the pod of the Job says', () => {
    const says = downloading(420, 1000, { bytesPerSecond: 10, secondsLeft: 58 });
    expect(outcomeOf({}, { says })).toMatchObject({
      at: 'waiting',
      reason: 'Pulling',
      message: '420B of 1kB at 10B/s, 58s left.',
      recheckAfter: undefined,
      status: { progress: { percent: 42 } },
    });
    expect(outcomeOf({}, { says: { ...says, phase: 'verifying' } })).toMatchObject({ reason: 'Verifying' });
    expect(outcomeOf({}, { says: { ...downloading(420, 1000), phase: 'waiting' } })).toMatchObject({
      at: 'waiting',
      reason: 'Pulling',
      message:
        '420B of 1kB. Waiting for the pull of another Model, which brings the rest onto the same volume.',
      status: { progress: { percent: 42 } },
    });
  });

  it('says the same of a pull that is asked for, whose pod is made, and that has no byte yet', () => {
    const before = pullArtifact(aView({ model, claims: [claim] }), { resolved });
    const { message, status } = before;
    expect(message).toBe('The pull of 1kB is starting.');
    for (const says of [undefined, { ...downloading(0, 1000), phase: 'starting' as const }]) {
      const outcome = outcomeOf({}, { ...(says && { says }), status: { progress: status!.progress! } });
      expect([outcome.message, outcome.status]).toEqual([message, status]);
    }
  });

  it('publishes what the puller verified, and where', () => {
    const ended = { type: 'Complete' as const, secondsAgo: 0 };
    const artifact = {
      ...publication,
      shortRevision: '0123456789ab',
      content,
      claimName: claim.metadata.name,
      claimUid,
    };
    expect(outcomeOf({ ended }, { left: { publication } })).toEqual({
      at: 'done',
      message: '1kB verified and published as sha256:abababababab.',
      events: [{ type: 'Normal', reason: 'Verified', note: `1kB in 1 file, as ${publication.digest}.` }],
      status: {
        artifact,
        history: [{ ...artifact, publishedAt: '2030-01-01T12:00:00Z' }],
        progress: { percent: 100, text: '100%', downloadedBytes: 1000, totalBytes: 1000 },
      },
    });
  });

  it('fills a claim that a deleted Model of its name left', () => {
    const left = aRetainedClaim('left', { content: contentOf(model, resolved) }, spec);
    const outcome = pullArtifact(aView({ model, claims: [left] }), { resolved });
    expect(outcome.apply?.[0]?.object).toMatchObject({
      spec: {
        template: {
          spec: { volumes: [{ name: 'tmp' }, { persistentVolumeClaim: { claimName: 'left' } }] },
        },
      },
    });
  });

  it('is done without any Job when this commit is published on this claim', () => {
    const artifact = anArtifact({ claimName: claim.metadata.name, claimUid });
    expect(pullArtifact(aView({ model, claims: [claim] }), { resolved, artifact }).at).toBe('done');
    for (const other of [{ content: 'other' }, { claimUid: 'former' }]) {
      const outcome = pullArtifact(aView({ model, claims: [claim] }), {
        resolved,
        artifact: { ...artifact, ...other },
      });
      expect(outcome).toMatchObject({ at: 'waiting', reason: 'Pulling' });
    }
  });

  it('publishes what was verified on this claim before and is kept there, without any Job', () => {
    const { revision, ...of } = anArtifact({ claimName: claim.metadata.name, claimUid });
    const old = {
      ...of,
      revision,
      publishedAt: '2029-12-01T00:00:00Z',
      change: 'First' as const,
      pullSeconds: 9,
    };
    const other = { ...old, claimUid: 'other', content: 'other', digest: 'sha256:other' };
    const view = aView({ model, claims: [claim] });
    const back = { ...resolved, change: 'SpecChanged' as const };
    const outcome = pullArtifact(view, { resolved: back, history: [other, old] });
    expect(outcome).toMatchObject({ at: 'done', status: { artifact: { ...of, revision } } });
    expect(outcome.status?.artifact).not.toHaveProperty('publishedAt');
    expect(outcome.status?.history).toEqual([
      { ...of, revision, publishedAt: '2030-01-01T12:00:00Z', change: 'SpecChanged' },
      other,
      old,
    ]);
    expect(outcome.apply).toBeUndefined();
    const { files: _, ...forgotten } = old;
    for (const none of [forgotten, { ...old, content: 'other' }, { ...old, claimUid: 'other' }]) {
      expect(pullArtifact(view, { resolved: back, history: [none] })).toMatchObject({ at: 'waiting' });
    }
  });

  it('tells the facts of what is published from now on, and how long the pull took', () => {
    const asked = aJob({ request, task: 'pull' });
    const job = { ...asked, metadata: { ...asked.metadata, creationTimestamp: secondsAgo(95) } };
    const view = aView({ model, claims: [claim], jobs: [job], pods: [aPodOf(job, { publication })] });
    const gguf = { architecture: 'new' };
    const status = {
      resolved: { ...resolved, gguf },
      gguf: { architecture: 'old' },
      memory: { weightsBytes: 1 },
    };
    expect(pullArtifact(view, status).status).toMatchObject({
      resolved,
      gguf,
      memory: undefined,
      history: [{ pullSeconds: 95 }],
    });
    expect(pullArtifact(view, status).status?.resolved).not.toHaveProperty('gguf');
  });

  it('tries at once what waits after a failure when somebody asks for it, and once for that', () => {
    const asking = {
      ...model,
      metadata: { ...model.metadata, annotations: { 'longshore.dev/requested-at': '7' } },
    };
    const job = aJob({ request, task: 'pull', ended: { type: 'Failed', secondsAgo: 1 } });
    const pods = [aPodOf(job, failure('InsufficientStorage'))];
    const tried = (told: Partial<ModelStatus>, now: Partial<ModelStatus>) => {
      const view = aView({ model: { ...asking, status: told }, claims: [claim], jobs: [job], pods });
      return pullArtifact(view, { resolved, ...now }).apply !== undefined;
    };
    const answered = { lastHandledRequest: '7' };
    expect([tried({}, answered), tried({}, {}), tried(answered, answered)]).toEqual([true, false, false]);
  });

  it.for([
    ['ChecksumMismatch', 'waiting'],
    ['InsufficientStorage', 'blocked'],
  ] as const)('after %s is %s until the next attempt', ([reason, at]) => {
    expect(outcomeOf(failed, { left: failure(reason) })).toEqual({
      at,
      reason,
      message: 'So it was.',
      recheckAfter: 10,
    });
  });

  it('starts the next attempt in the place of the last when its time has come', () => {
    const ended = { type: 'Failed' as const, secondsAgo: 30 };
    const outcome = outcomeOf({ attempt: 2, ended }, { left: failure('ChecksumMismatch') });
    expect(names(outcome.apply)).toEqual([`qwen-pull-${request.slice(0, 8)}-3`]);
    expect(names(outcome.remove)).toEqual([`pull-${request}-2`]);
  });

  it('has the name resolved anew when the source has the pinned revision no more', () => {
    const ended = { type: 'Failed' as const, secondsAgo: 30 };
    const pull = aJob({ request, task: 'pull', ended });
    const inspect = aJob({ request: resolved.request, ended: { type: 'Complete', secondsAgo: 60 } });
    const pods = [aPodOf(pull, failure('RevisionNotFound'))];
    const view = aView({ model, claims: [claim], jobs: [inspect, pull], pods });
    const outcome = pullArtifact(view, { resolved });
    expect(outcome).toMatchObject({ at: 'blocked', reason: 'RevisionNotFound', recheckAfter: 1 });
    expect(outcome.status).toEqual({ resolved: undefined });
    expect(names(outcome.remove)).toEqual([inspect.metadata.name, pull.metadata.name]);
    expect(outcome.apply).toBeUndefined();
  });
});

describe('what is published in the place of something else', () => {
  const shared = aClaim('shared', { metadata: { ownerReferences: [] } });
  const { uid } = shared.metadata;
  const storage = { claimName: 'shared', claimUid: uid, size: '1Ti' };
  const before = anArtifact({
    claimName: 'shared',
    claimUid: uid,
    revision: 'old',
    content: 'old',
    digest: 'sha256:old',
  });

  function published(of: ReturnType<typeof aModel>, status: Partial<ModelStatus>) {
    const asked = pullRequest(inspectRequest(of), commit, uid);
    const job = aJob({ request: asked, task: 'pull' });
    const pods = [aPodOf(job, { publication })];
    const view = aView({ model: of, otherClaims: [shared], jobs: [job], pods });
    const resolvedNow = { ...resolved, request: inspectRequest(of) };
    return pullArtifact(view, { resolved: resolvedNow, storage, ...status }).status;
  }
  const onShared = aModel({ storage: { claimName: 'shared' } });

  it('is to be collected where the claim is shared', () => {
    const status = published(onShared, { artifact: before });
    expect(status?.artifact?.digest).toBe(publication.digest);
    expect(status?.storage).toEqual({ ...storage, replaced: ['sha256:old'] });
  });

  it('is remembered with what came before, without what is published again, and sixteen at most', () => {
    const earlier = Array.from({ length: 16 }, (_, i) => `sha256:${i}`);
    const replaced = [...earlier, publication.digest];
    expect(
      published(onShared, { artifact: before, storage: { ...storage, replaced } })?.storage?.replaced,
    ).toEqual([...earlier.slice(1), 'sha256:old']);
  });

  it.for([
    ['nothing was published', onShared, undefined],
    ['it was on another claim', onShared, anArtifact({ digest: 'sha256:old' })],
    ['it is the same', onShared, { ...before, digest: publication.digest }],
    [
      'the files are not Longshore’s',
      aModel({ source: { volume: { claimName: 'shared', path: 'm' } } }),
      before,
    ],
  ] as const)('is nobody’s to collect when %s', ([, of, artifact]) => {
    expect(published(of, { artifact })?.storage).toEqual(storage);
  });
});
