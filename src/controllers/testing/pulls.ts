import type { ModelStatus } from '../../api/model-status.ts';
import type { PullerProgress, PullerReport } from '../../protocols/puller.ts';
import { pullArtifact, pullRequest } from '../model/pull/pull.ts';
import { claimName } from '../model/storage/claim.ts';
import { inspectRequest } from '../model/view.ts';
import { aClaim, aJob, aModel, anArtifact, aPodOf, aView, commit, type JobChoices } from './objects.ts';

export const model = aModel();
/** What the inspection of its source has found. */
export const resolved = {
  source: 'hf:owner/name@main',
  request: inspectRequest(model),
  revision: commit,
  sizeBytes: 1000,
  size: '1kB',
  fileCount: 1,
};
/** That it is pulled onto. */
export const claim = aClaim(claimName(model, resolved));
/** What Jobs of the pull are marked with. */
export const request = pullRequest(resolved.request, commit, claim.metadata.uid);

const { claimName: _name, claimUid: _uid, content: _content, ...published } = anArtifact();
/** What a puller leaves behind that verified all of it. */
export const publication = published;

/** What follows from a pull Job with a pod that left this behind, or says that. */
export function outcomeOf(
  job: Partial<JobChoices>,
  { left, says, status }: { left?: PullerReport; says?: PullerProgress; status?: Partial<ModelStatus> } = {},
) {
  const pullJob = aJob({ request, task: 'pull', ...job });
  const pod = aPodOf(pullJob, left);
  const progress = new Map(says ? [[pod.metadata.name, says]] : []);
  const view = aView({ model, claims: [claim], jobs: [pullJob], pods: [pod], progress });
  return pullArtifact(view, { resolved, ...status });
}

export const failure = (
  reason: 'ChecksumMismatch' | 'InsufficientStorage' | 'RevisionNotFound',
): PullerReport => ({ failure: { reason, message: 'So it was.' } });

export const names = (children: readonly { object: { metadata: { name?: string } } }[] | undefined) =>
  children?.map(({ object }) => object.metadata.name);
