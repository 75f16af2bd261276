import { describe, expect, it } from 'vitest';
import { aJob, aPodOf, aView, now, secondsAgo } from '../../testing/objects.ts';
import { claim, failure, model, names, publication, request, resolved } from '../../testing/pulls.ts';
import { pullArtifact } from './pull.ts';

describe('a pull whose turn it is not', () => {
  const turn = {
    at: 'later' as const,
    since: now.toISOString(),
    place: 2,
    scope: 'cluster' as const,
    taken: 1,
    allowed: 1,
  };

  it('starts no Job, ends what was asked before, and says where it stands', () => {
    const old = aJob({ request: 'old', task: 'pull' });
    const outcome = pullArtifact(aView({ model, claims: [claim], jobs: [old], turn }), { resolved });
    expect(outcome).toMatchObject({
      at: 'waiting',
      reason: 'Queued',
      message: '2nd in the queue; 1 pull runs, of 1 allowed.',
      status: { queue: { since: turn.since, position: 2 }, progress: { percent: 0 } },
    });
    expect(names(outcome.remove)).toEqual([old.metadata.name]);
    expect(outcome.apply).toBeUndefined();
  });

  it('waits with the next attempt too, once its pause is over', () => {
    const waiting = (secondsAgo: number) => {
      const job = aJob({ request, task: 'pull', ended: { type: 'Failed', secondsAgo } });
      const pods = [aPodOf(job, failure('ChecksumMismatch'))];
      return pullArtifact(aView({ model, claims: [claim], jobs: [job], pods, turn }), { resolved });
    };
    expect(waiting(1)).toMatchObject({ reason: 'ChecksumMismatch' });
    // The Job that has failed stays for people to read.
    expect(waiting(60)).toMatchObject({ at: 'waiting', reason: 'Queued', remove: [] });
    expect(waiting(60).apply).toBeUndefined();
  });

  it('gives the place of a Job that gets no pod to others', () => {
    const job = aJob({ request, task: 'pull' });
    const old = { ...job, metadata: { ...job.metadata, creationTimestamp: secondsAgo(60) } };
    const refusals = new Map([[job.metadata.uid, 'exceeded quota']]);
    const outcome = pullArtifact(aView({ model, claims: [claim], jobs: [old], refusals, turn }), {
      resolved,
    });
    expect(outcome).toMatchObject({ at: 'waiting', reason: 'Queued' });
    expect(names(outcome.remove)).toEqual([job.metadata.name]);
  });

  it('publishes what a Job has pulled all the same', () => {
    const job = aJob({ request, task: 'pull' });
    const pods = [aPodOf(job, { publication })];
    expect(pullArtifact(aView({ model, claims: [claim], jobs: [job], pods, turn }), { resolved }).at).toBe(
      'done',
    );
  });
});
