import { describe, expect, it } from 'vitest';
import type { Job } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import { CollectRequest } from '../../../protocols/puller.ts';
import { labels } from '../../labels.ts';
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
  secondsAgo,
  type JobChoices,
} from '../../testing/objects.ts';
import { collectOldRevisions } from './collect.ts';
import { pullRequest } from '../pull/pull.ts';
import { questionOf } from '../source/question.ts';
import { inspectRequest } from '../view.ts';

const model = aModel();
const request = inspectRequest(model);
const resolved = { source: '', request, revision: commit, sizeBytes: 1, size: '1B', fileCount: 1 };
const artifact = anArtifact();
const at = (published: typeof artifact) => ({ ...published, publishedAt: secondsAgo(60) });
const another = (name: string) =>
  anArtifact({ claimName: name, claimUid: `uid-of-${name}`, digest: `sha256:${name}`, content: name });
const [older, oldest] = [another('older'), another('oldest')];
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

  it('keeps so many revisions as the spec says, of those that were published, the newest first', () => {
    const keeping = (keepRevisions: number, history = [artifact, older, oldest].map(at)) => {
      const of = aModel({ update: { keepRevisions } });
      const claims = [artifact, older, oldest, anArtifact({ claimName: 'half', claimUid: 'uid-of-half' })];
      const view = aView({ model: of, claims: claims.map(({ claimName }) => aClaim(claimName)) });
      const { remove, status } = collectOldRevisions(view, { resolved, artifact, history });
      const withFiles = status?.history?.filter(({ files }) => files).map(({ claimName }) => claimName);
      return { removed: remove?.map(({ object }) => object.metadata.name), withFiles };
    };
    expect(keeping(1)).toEqual({ removed: ['older', 'oldest', 'half'], withFiles: ['qwen-claim'] });
    expect(keeping(2)).toEqual({ removed: ['oldest', 'half'], withFiles: ['qwen-claim', 'older'] });
    // What was published again counts as new, and once.
    const back = [artifact, oldest, artifact, older].map(at);
    expect(keeping(2, back).removed).toEqual(['older', 'half']);
    expect(keeping(10)).toMatchObject({ removed: ['half'] });
  });

  it('begins a history that was lost with what is published, and with what claims tell', () => {
    const old = { revision: 'old', digest: 'sha256:old', sizeBytes: 7, publishedAt: secondsAgo(60) };
    const annotations = { 'longshore.dev/published': JSON.stringify(old) };
    const told = aClaim('older', { metadata: { annotations, labels: { 'longshore.dev/content': 'old' } } });
    const of = aModel({ update: { keepRevisions: 2 } });
    const view = aView({ model: of, claims: [aClaim(artifact.claimName), told, aClaim('unknown')] });
    const checked = { ...resolved, checkedAt: secondsAgo(90) };
    const { remove, status } = collectOldRevisions(view, { resolved: checked, artifact });
    expect(status?.history).toMatchObject([
      { digest: artifact.digest },
      { revision: 'old', claimName: 'older' },
    ]);
    expect(remove?.map(({ object }) => object.metadata.name)).toEqual(['unknown']);
  });

  it('keeps the Job of an answer until that is written', () => {
    const before = { ...resolved, checkedAt: secondsAgo(60) };
    const after = { ...resolved, checkedAt: secondsAgo(0) };
    const job = aJob({ request: questionOf(model, before) });
    const of = { ...model, status: { resolved: before, artifact } };
    const kept = collectOldRevisions(aView({ model: of, jobs: [job] }), { resolved: after, artifact });
    expect(kept.remove).toEqual([]);
    const written = { ...model, status: { resolved: after, artifact } };
    const gone = collectOldRevisions(aView({ model: written, jobs: [job] }), { resolved: after, artifact });
    expect(gone.remove).toHaveLength(1);
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

  it('keeps a claim for as long as a server may go back to it', () => {
    const on = (claimName: string) => ({ name: 'qwen', revision: commit, digest: '', claimName });
    const rollout = { strategy: 'Surge' as const, from: on('old'), answering: [] };
    const servers = [aServer({}, { model: on('new'), rollout })];
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

  it('stays as far as it is kept, and the Job is told', () => {
    const replaced = ['sha256:older', 'sha256:oldest'];
    const earlier = ['older', 'oldest'].map((name) => ({ ...another(name), claimUid: on.claimUid }));
    const history = [on, ...earlier].map(at);
    const outcome = (keepRevisions: number, written = true) => {
      const of = aModel({ storage: { claimName: 'shared' }, update: { keepRevisions } });
      const status = { resolved, artifact: on, storage: { ...storage, replaced }, history };
      const { status: told } = collectOldRevisions(aView({ model: of }), status);
      const model = { ...of, status: { ...status, ...(written && { history: told?.history }) } };
      return collectOldRevisions(aView({ model }), { ...status, ...told });
    };
    const except = (each: ReturnType<typeof outcome>) => asked(jobOf(each)).forget?.except;
    expect(except(outcome(1))).toEqual([on.digest]);
    expect(except(outcome(2))).toEqual([on.digest, 'sha256:older']);
    expect(outcome(3).apply).toBeUndefined();
    // Before it is written that it can be switched back to no more, nothing is removed.
    expect(outcome(2, false).apply).toBeUndefined();
  });

  it('leaves what is kept to be collected later', () => {
    const of = aModel({ storage: { claimName: 'shared' }, update: { keepRevisions: 2 } });
    const replaced = ['sha256:older', 'sha256:oldest'];
    const history = [on, { ...another('older'), claimUid: on.claimUid }].map(at);
    const status = { resolved, artifact: on, storage: { ...storage, replaced }, history };
    const first = collectOldRevisions(aView({ model: { ...of, status } }), status);
    const asked = jobOf(first)?.metadata.labels?.[labels.request] ?? '';
    const job = aJob({ request: asked, task: 'collect', ended: { type: 'Complete', secondsAgo: 1 } });
    const collection = { freedBytes: 1, removedBlobs: 1, keptBlobs: 1 };
    const view = aView({ model: { ...of, status }, jobs: [job], pods: [aPodOf(job, { collection })] });
    expect(collectOldRevisions(view, status).status?.storage?.replaced).toEqual(['sha256:older']);
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
