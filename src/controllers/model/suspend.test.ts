import { describe, expect, it } from 'vitest';
import type { ModelStatus } from '../../api/model-status.ts';
import {
  aClaim,
  aJob,
  aModel,
  anArtifact,
  aPodOf,
  aView,
  commit,
  type JobChoices,
} from '../testing/objects.ts';
import { claimName } from './storage/claim.ts';
import { pullArtifact, pullRequest } from './pull/pull.ts';
import { resolveSource } from './source/resolve.ts';
import { inspectRequest } from './view.ts';
import { provideVolume } from './storage/volume.ts';

const model = aModel({ suspend: true });
const request = inspectRequest(model);
const resolved = {
  source: 'hf:owner/name@main',
  request,
  revision: commit,
  sizeBytes: 1000,
  size: '1kB',
  fileCount: 1,
};
const claim = aClaim(claimName(model, resolved));
const pull = pullRequest(request, commit, claim.metadata.uid);
const progress = { percent: 42, text: '42%', downloadedBytes: 420, totalBytes: 1000 };
const { claimName: _name, claimUid: _uid, ...publication } = anArtifact();
const ended = { type: 'Failed' as const, secondsAgo: 900 };
const names = (children: readonly { object: { metadata: { name?: string } } }[] | undefined) =>
  children?.map(({ object }) => object.metadata.name);

function pulling(job: Partial<JobChoices>, { left, before = resolved }: Told = {}) {
  const pullJob = aJob({ request: pull, task: 'pull', ...job });
  const of = { ...model, status: { resolved: before } };
  const view = aView({ model: of, claims: [claim], jobs: [pullJob], pods: [aPodOf(pullJob, left)] });
  return pullArtifact(view, { resolved, progress });
}
interface Told {
  left?: { publication: typeof publication };
  before?: ModelStatus['resolved'];
}

describe('a Model that is suspended', () => {
  it('asks its source nothing, and ends what asks it', () => {
    const running = aJob({ request });
    const outcome = resolveSource(aView({ model, jobs: [running] }), {});
    expect(outcome).toMatchObject({ at: 'held', reason: 'Suspended' });
    expect(outcome.message).toBe('hf:owner/name@main is not asked. Set spec.suspend to false to go on.');
    expect(names(outcome.remove)).toEqual([running.metadata.name]);
    expect(resolveSource(aView({ model }), {})).toMatchObject({ at: 'held', remove: [] });
    expect(resolveSource(aView({ model, jobs: [aJob({ request, ended })] }), {})).toMatchObject({
      at: 'held',
      remove: [],
    });
  });

  it('gets no claim, and keeps the one that it has', () => {
    expect(provideVolume(aView({ model }), { resolved })).toMatchObject({
      at: 'held',
      reason: 'Suspended',
    });
    expect(provideVolume(aView({ model, claims: [claim] }), { resolved }).at).toBe('done');
  });

  it('has its pull ended, and says how much of it stays', () => {
    const outcome = pulling({});
    expect(outcome).toMatchObject({ at: 'held', reason: 'Suspended', status: { progress } });
    expect(outcome.message).toBe(
      '420B of 1kB are on the volume, and stay. Set spec.suspend to false to go on.',
    );
    expect(names(outcome.remove)).toEqual([`pull-${pull}-1`]);
    expect(outcome.apply).toBeUndefined();
  });

  it('has no pull started, whether or not one has failed', () => {
    for (const job of [{ request: 'older', ended }, { ended }]) {
      const outcome = pulling(job);
      expect(outcome).toMatchObject({ at: 'held', remove: [] });
      expect(outcome.apply).toBeUndefined();
    }
  });

  it('says nothing of what was pulled of another revision', () => {
    const outcome = pulling({}, { before: { ...resolved, revision: 'other' } });
    expect(outcome.message).toContain('Nothing of 1kB is pulled.');
    expect(outcome).toMatchObject({ status: { progress: { percent: 0 } } });
  });

  it('publishes what was verified by then, and serves it', () => {
    expect(pulling({}, { left: { publication } })).toMatchObject({
      at: 'done',
      status: { artifact: publication },
    });
    const artifact = anArtifact({ claimName: claim.metadata.name, claimUid: claim.metadata.uid });
    expect(pullArtifact(aView({ model, claims: [claim] }), { resolved, artifact }).at).toBe('done');
  });
});

describe('a Model that goes on', () => {
  const goesOn = { ...aModel(), status: { resolved } };

  it('shows what is on the volume while its pull starts again', () => {
    const outcome = pullArtifact(aView({ model: goesOn, claims: [claim] }), { resolved, progress });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'Pulling', status: { progress } });
    expect(outcome.apply).toHaveLength(1);
  });

  it('waits for the pod that writes to the claim still, and for no other', () => {
    const job = aJob({ request: pull, task: 'pull' });
    const mounting = (claimName: string) => {
      const spec = { containers: [], volumes: [{ name: 'models', persistentVolumeClaim: { claimName } }] };
      return pullArtifact(aView({ model: goesOn, claims: [claim], pullers: [{ ...aPodOf(job), spec }] }), {
        resolved,
        progress,
      });
    };
    const outcome = mounting(claim.metadata.name);
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'Pulling', status: { progress } });
    expect(outcome.apply).toBeUndefined();
    expect(mounting('another').apply).toHaveLength(1);
  });
});
