import { describe, expect, it } from 'vitest';
import type { ModelStatus } from '../../../api/model-status.ts';
import type { Pod } from '../../../kube/builtin.ts';
import type { Live } from '../../../kube/kind.ts';
import type { PullerProgress } from '../../../protocols/puller.ts';
import { decide, type Outcome } from '../../step.ts';
import { aJob, aPodOf, aView, downloading, now, secondsAgo } from '../../testing/objects.ts';
import { claim, failure, model, names, outcomeOf, request, resolved } from '../../testing/pulls.ts';
import type { ModelView } from '../view.ts';
import { pullArtifact } from './pull.ts';

describe('a pull whose pod is away', () => {
  const progress = { percent: 42, text: '42%', downloadedBytes: 420, totalBytes: 1000 };
  const job = aJob({ request, task: 'pull' });
  const told = (pod: Partial<Live<Pod>>, more: Partial<ModelView> = {}) => {
    const pods = [{ ...aPodOf(job), ...pod }];
    return pullArtifact(aView({ model: known, claims: [claim], jobs: [job], pods, ...more }), {
      resolved,
      progress,
    });
  };
  const known = { ...model, status: { resolved } };
  const containerStatuses = [{ name: 'puller', image: '', imageID: '', ready: true, restartCount: 0 }];

  it('says NodeLost, whatever the pod said last', () => {
    const conditions = [{ type: 'Ready', status: 'False' }];
    const status = { phase: 'Running', conditions, containerStatuses };
    const says = new Map([[aPodOf(job).metadata.name, downloading(500, 1000)]]);
    expect(told({ status }, { progress: says })).toMatchObject({
      at: 'waiting',
      reason: 'NodeLost',
      status: { progress },
    });
  });

  it('says Evicted until another is heard', () => {
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' }];
    const gone = { ...aPodOf(job, undefined, 'gone'), status: { phase: 'Failed', conditions } };
    expect(told({}, { pods: [gone] })).toMatchObject({
      at: 'waiting',
      reason: 'Evicted',
      status: { progress },
    });
    const next = aPodOf(job, undefined, 'next');
    const newer = { ...next, metadata: { ...next.metadata, creationTimestamp: now.toISOString() } };
    const pods = [newer, gone];
    expect(told({}, { pods })).toMatchObject({ reason: 'Evicted' });
    expect(told({}, { pods, progress: new Map([['next', downloading(500, 1000)]]) })).toMatchObject({
      reason: 'Pulling',
    });
  });

  it('says why it gets no pod, tries another Job after a while, and says it until that has one', () => {
    const words = 'pods "p" is forbidden: exceeded quota: small';
    const made = (seconds: number) => ({
      ...job,
      metadata: { ...job.metadata, creationTimestamp: secondsAgo(seconds) },
    });
    const refused = (seconds: number, text = words) =>
      told({}, { jobs: [made(seconds)], pods: [], refusals: new Map([[job.metadata.uid, text]]) });
    expect(refused(6)).toMatchObject({
      at: 'waiting',
      reason: 'QuotaExceeded',
      message: `Job ${job.metadata.name} gets no pod: ${words}`,
      recheckAfter: 4,
    });
    expect(refused(6, 'no PriorityClass')).toMatchObject({ at: 'blocked', reason: 'WriteRefused' });
    const again = refused(11);
    expect(names(again.apply)).toEqual([`qwen-pull-${request.slice(0, 8)}-2`]);
    expect(names(again.remove)).toEqual([job.metadata.name]);

    const { conditions } = decide(
      [{ condition: 'Pulled', run: () => refused(6, 'no PriorityClass') }],
      undefined,
      {
        status: undefined,
        generation: 1,
        now,
      },
    ).status;
    const view = aView({
      model: known,
      claims: [claim],
      jobs: [aJob({ request, task: 'pull', attempt: 2 })],
    });
    expect(pullArtifact(view, { resolved, progress, conditions })).toMatchObject({
      at: 'blocked',
      reason: 'WriteRefused',
    });
  });
});

describe('a pull whose pod was not heard', () => {
  /** Where the status stands after a pod said this. */
  const after = (says: PullerProgress): ModelStatus => {
    const step = { condition: 'Pulled', run: () => outcomeOf({}, { says }) };
    return decide([step], undefined, { status: undefined, generation: 1, now }).status;
  };
  const half = after(downloading(500, 1000, { bytesPerSecond: 10 }));
  const unheard = (phase: string, said?: 'silent', status = half) => {
    const job = aJob({ request, task: 'pull' });
    const pod = { ...aPodOf(job), status: { phase } };
    const progress = new Map(said ? [[pod.metadata.name, said]] : []);
    const view = aView({ model, claims: [claim], jobs: [job], pods: [pod], progress });
    return pullArtifact(view, { resolved, ...status });
  };

  it.for(['Running', 'Succeeded'])('says what was said before of one that is %s', (phase) => {
    const { reason, message, status } = unheard(phase) as { reason: string } & Outcome<ModelStatus>;
    expect([reason, message, status]).toEqual([
      'Pulling',
      '500B of 1kB at 10B/s.',
      { progress: half.progress },
    ]);
    const verifying = after({ ...downloading(1000, 1000), phase: 'verifying' });
    expect(unheard(phase, undefined, verifying)).toMatchObject({ reason: 'Verifying' });
  });

  it.for(['Pending', 'Failed'])(
    'says no more at what rate one that is %s pulls, and keeps the bytes',
    (phase) => {
      const { message, status } = unheard(phase);
      expect(message).toBe('The pull of 1kB is starting.');
      expect(status?.progress).toEqual({
        percent: 50,
        text: '50%',
        downloadedBytes: 500,
        totalBytes: 1000,
      });
    },
  );

  it('says nothing of the pull before, of another size', () => {
    const other = { ...half, progress: { ...half.progress!, totalBytes: 7 } };
    expect(unheard('Running', undefined, other)).toMatchObject({
      message: 'The pull of 1kB is starting.',
      status: { progress: { percent: 0 } },
    });
  });

  it('says that the progress cannot be seen of one that is silent', () => {
    const { message, status } = unheard('Running', 'silent');
    expect(message).toContain('progress cannot be seen');
    expect(status?.progress).not.toHaveProperty('rate');
    expect(status?.progress).toMatchObject({ percent: 50 });
  });

  it('tells why it tries again while the next pod was not heard', () => {
    const outcome = outcomeOf({}, { left: failure('ChecksumMismatch') });
    expect(outcome.message).toBe('Trying again after ChecksumMismatch: So it was.');
  });

  it('does not take what another pod says for the progress of this pull', () => {
    const job = aJob({ request, task: 'pull' });
    const progress = new Map([['pod-of-another', downloading(900, 1000)]]);
    const view = aView({ model, claims: [claim], jobs: [job], pods: [aPodOf(job)], progress });
    expect(pullArtifact(view, { resolved }).status?.progress).toMatchObject({ percent: 0 });
  });
});
