import { describe, expect, it } from 'vitest';
import type { Job } from '../../kube/builtin.ts';
import type { Live } from '../../kube/kind.ts';
import { CollectRequest } from '../../protocols/puller.ts';
import { labels } from '../labels.ts';
import {
  aClaim,
  aJob,
  aModel,
  anArtifact,
  aPodOf,
  aRetainedClaim,
  aServer,
  aView,
  commit,
  type JobChoices,
} from '../testing/objects.ts';
import { collectOldRevisions } from './collect.ts';
import { pullRequest } from './pull.ts';
import { inspectRequest } from './view.ts';

const model = aModel();
const request = inspectRequest(model);
const resolved = { source: '', request, revision: commit, sizeBytes: 1, size: '1B', fileCount: 1 };
const artifact = anArtifact();
const currentPull = pullRequest(request, commit, artifact.claimUid);

function removed(view: Parameters<typeof aView>[0]) {
  const { remove } = collectOldRevisions(aView({ model, ...view }), { resolved, artifact });
  return remove?.map(({ object }) => object.metadata.name);
}

describe('collectOldRevisions', () => {
  it('removes the Jobs of other questions and keeps those of this one', () => {
    const kept = [aJob({ request }), aJob({ request: currentPull, task: 'pull' })];
    const old = [aJob({ request: 'old' }), aJob({ request: 'older', task: 'pull' })];
    expect(removed({ jobs: [...kept, ...old] })).toEqual(old.map(({ metadata }) => metadata.name));
  });

  it('removes claims that nobody uses and keeps the one that is published', () => {
    expect(removed({ claims: [aClaim(artifact.claimName), aClaim('old')] })).toEqual(['old']);
  });

  it('removes its own also when they are retained, and never what a deleted Model of its name left', () => {
    const own = aRetainedClaim('own', { content: 'old', modelUid: model.metadata.uid });
    expect(removed({ claims: [own, aRetainedClaim('left', { content: 'old' })] })).toEqual(['own']);
  });

  it('says what is served, by the first digits of the revision', () => {
    const published = anArtifact({ revision: `sha256:${'fedcba98'.repeat(8)}` });
    expect(collectOldRevisions(aView({ model }), { resolved, artifact: published }).message).toBe(
      'Serves revision fedcba98fedc from claim qwen-claim.',
    );
  });

  it('keeps a claim for as long as a server is told to use it', () => {
    const servers = [
      aServer({}, { model: { name: 'qwen', revision: commit, digest: '', claimName: 'old' } }),
    ];
    expect(removed({ claims: [aClaim('old'), aClaim('older')], servers })).toEqual(['older']);
  });
});

describe('what is replaced on a shared claim', () => {
  type Artifact = ReturnType<typeof anArtifact>;
  const shared = aModel({ storage: { claimName: 'shared' } });
  const on = anArtifact({ claimName: 'shared', claimUid: 'uid-of-shared' });
  const storage = { claimName: 'shared', claimUid: 'uid-of-shared', size: '1Ti', replaced: ['sha256:old'] };
  const collect = (
    view: Parameters<typeof aView>[0] = {},
    of = shared,
    told = storage,
    written: Artifact | undefined = on,
  ) => {
    const status = { resolved, artifact: on, storage: told };
    const model = { ...of, status: { ...status, artifact: written } };
    return collectOldRevisions(aView({ model, ...view }), status);
  };
  const jobOf = (outcome: ReturnType<typeof collect>) => outcome.apply?.[0]?.object as Live<Job> | undefined;
  const first = jobOf(collect());
  const asked = (job: Live<Job> | undefined) =>
    CollectRequest.parse(JSON.parse(job?.spec?.template.spec?.containers[0]?.env?.[0]?.value ?? ''));
  const request = first?.metadata.labels?.[labels.request] ?? '';
  const run = (more: Partial<JobChoices> = {}) => aJob({ request, task: 'collect', ...more });

  it('is removed by a Job, which keeps what is published, while the Model is Ready', () => {
    expect(collect()).toMatchObject({ at: 'done' });
    expect(asked(first)).toEqual({
      forget: { modelUid: 'uid-of-qwen', except: [on.digest] },
      graceSeconds: 0,
    });
    expect(first?.metadata.ownerReferences?.[0]?.uid).toBe('uid-of-qwen');
    expect(asked(jobOf(collect({ isQuiet: false }))).graceSeconds).toBe(3600);
  });

  it('stays while servers may use it, which are named', () => {
    const outcome = collect({ unsettled: ['chat'] });
    expect(outcome.apply).toBeUndefined();
    expect(outcome.message).toContain('stay while ModelServers may use them: chat.');
  });

  it('stays until servers can have heard of what is published', () => {
    const outcome = collect({}, shared, storage, { ...on, digest: 'sha256:old' });
    expect(outcome.apply).toBeUndefined();
    expect(outcome.message).toContain('stay while ModelServers may use them.');
  });

  it('is waited for, and its Job is kept', () => {
    const outcome = collect({ jobs: [run()], unsettled: ['chat'] });
    expect(outcome.message).toContain('are being removed');
    expect([outcome.apply, outcome.remove]).toEqual([undefined, []]);
  });

  it('is forgotten when it is gone', () => {
    const job = run({ ended: { type: 'Complete', secondsAgo: 1 } });
    const collection = { freedBytes: 1, removedBlobs: 1, keptBlobs: 1 };
    const { status } = collect({ jobs: [job], pods: [aPodOf(job, { collection })] });
    expect(status?.storage).toEqual({ claimName: 'shared', claimUid: 'uid-of-shared', size: '1Ti' });
  });

  it('is tried again when that fails, after a while', () => {
    const ended = (secondsAgo: number) => {
      const job = run({ ended: { type: 'Failed', secondsAgo } });
      const failure = { reason: 'VolumeReadOnly' as const, message: 'It cannot be written to.' };
      return collect({ jobs: [job], pods: [aPodOf(job, { failure })] });
    };
    expect(ended(4)).toMatchObject({ at: 'done', recheckAfter: 6 });
    expect(ended(4).message).toContain('It cannot be written to.');
    const again = ended(10);
    expect(jobOf(again)?.metadata.labels?.[labels.attempt]).toBe('2');
    expect(again.remove?.map(({ object }) => object.metadata.name)).toEqual([run().metadata.name]);
  });

  it('is nobody’s concern on a claim of the Model’s own, or with the source', () => {
    const others = [aModel(), aModel({ source: { volume: { claimName: 'shared', path: 'm' } } })];
    for (const of of others) expect(collect({}, of).apply).toBeUndefined();
    const { replaced: _, ...nothing } = storage;
    expect(collect({}, shared, nothing as typeof storage).apply).toBeUndefined();
  });
});
