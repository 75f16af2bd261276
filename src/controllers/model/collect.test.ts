import { describe, expect, it } from 'vitest';
import { aClaim, aJob, aModel, anArtifact, aRetainedClaim, aView, commit } from '../testing/objects.ts';
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
    expect(removed({ claims: [aClaim('old'), aClaim('older')], claimsInUse: new Set(['old']) })).toEqual([
      'older',
    ]);
  });
});
