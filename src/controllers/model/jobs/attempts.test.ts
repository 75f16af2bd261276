import { describe, expect, it } from 'vitest';
import { pullerReasons, type PullerReport } from '../../../protocols/puller.ts';
import {
  aJob,
  aModel,
  aPodOf,
  aView,
  commit,
  meta,
  secondsAgo,
  type JobChoices,
} from '../../testing/objects.ts';
import { mayPassByItself, newestAttempt, secondsBetweenAttempts } from './attempts.ts';

const inspection: PullerReport = { inspection: { revision: commit, sizeBytes: 1, fileCount: 1, gguf: {} } };
const gated: PullerReport = { failure: { reason: 'GatedRepo', message: 'Ask for access.' } };

/** Where a Job stands that left this behind. */
function attempt(choices: Omit<JobChoices, 'request'>, left?: PullerReport | string) {
  const job = aJob({ request: 'r', ...choices });
  return newestAttempt(aView({ jobs: [job], pods: [aPodOf(job, left)] }), choices.task ?? 'inspect', 'r');
}
const failed = (secondsAgo: number) => ({ type: 'Failed' as const, secondsAgo });
const complete = (secondsAgo: number) => ({ type: 'Complete' as const, secondsAgo });

describe('secondsBetweenAttempts', () => {
  it('doubles from 10 s to 5 min', () => {
    const seconds = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => secondsBetweenAttempts(failures, 'pull'));
    expect(seconds).toEqual([10, 20, 40, 80, 160, 300, 300, 300]);
  });

  it('doubles to an hour where nobody waits', () => {
    const seconds = [1, 6, 9, 10, 50].map((failures) => secondsBetweenAttempts(failures, 'collect'));
    expect(seconds).toEqual([10, 320, 2560, 3600, 3600]);
  });
});

describe('mayPassByItself', () => {
  it('is so of what other pods, the hub or time may mend', () => {
    expect(pullerReasons.filter(mayPassByItself).sort()).toEqual([
      'ChecksumMismatch',
      'PullerFailed',
      'RateLimited',
      'SourceUnreachable',
    ]);
    expect(mayPassByItself('DeadlineExceeded')).toBe(true);
  });
});

describe('newestAttempt', () => {
  it('is none without a Job for this very request and task', () => {
    const jobs = [aJob({ request: 'other' }), aJob({ request: 'r', task: 'pull' })];
    expect(newestAttempt(aView({ jobs }), 'inspect', 'r')).toEqual({ state: 'none' });
  });

  it('is the one with the highest number, also past nine', () => {
    const jobs = [2, 10, 9].map((number) => aJob({ request: 'r', attempt: number }));
    expect(newestAttempt(aView({ jobs }), 'inspect', 'r')).toMatchObject({ state: 'running', number: 10 });
  });

  it('runs until the Job has an end', () => {
    expect(attempt({})).toMatchObject({ state: 'running', trouble: undefined });
    // The pod has ended, and the Job controller may start another.
    expect(attempt({}, gated)).toMatchObject({ state: 'running' });
  });

  it('has succeeded when its pod has ended well and says what it found, whatever the Job says of itself', () => {
    const found = { state: 'succeeded', report: inspection };
    for (const job of [{}, { ended: complete(1) }, { ended: failed(1) }])
      expect(attempt(job, inspection)).toMatchObject(found);
  });

  it('has not succeeded when a pod that found something did not end well', () => {
    const job = aJob({ request: 'r' });
    const pod = aPodOf(job, inspection);
    pod.status!.containerStatuses![0]!.state!.terminated!.exitCode = 143;
    expect(newestAttempt(aView({ jobs: [job], pods: [pod] }), 'inspect', 'r').state).toBe('running');
  });

  it('has succeeded by a former pod too, when one was started in its place', () => {
    const job = aJob({ request: 'r' });
    const { metadata, ...next } = aPodOf(job, undefined, 'next');
    const second = { ...next, metadata: { ...metadata, creationTimestamp: secondsAgo(1) } };
    const view = aView({ jobs: [job], pods: [second, aPodOf(job, inspection)] });
    expect(newestAttempt(view, 'inspect', 'r').state).toBe('succeeded');
  });

  it('has failed with what the pod says', () => {
    expect(attempt({ ended: failed(0) }, gated)).toMatchObject({
      state: 'failed',
      reason: 'GatedRepo',
      message: 'Ask for access.',
      secondsToNext: 10,
    });
  });

  it('waits less for the next the longer ago the failure is', () => {
    expect(attempt({ ended: failed(4) }, gated)).toMatchObject({ secondsToNext: 6 });
    expect(attempt({ ended: failed(600) }, gated)).toMatchObject({ secondsToNext: 0 });
    expect(attempt({ attempt: 3, ended: failed(0) }, gated)).toMatchObject({ secondsToNext: 40 });
  });

  it('does not wait when the spec has changed since the failure was told', () => {
    const job = aJob({ request: 'r', ended: failed(0) });
    const told = { type: 'Resolved', status: 'False' as const, reason: 'GatedRepo', message: '' };
    const conditions = [{ ...told, observedGeneration: 1, lastTransitionTime: secondsAgo(0) }];
    const model = { ...aModel({}, { conditions }), metadata: meta('qwen', { generation: 2 }) };
    const view = aView({ model, jobs: [job], pods: [aPodOf(job, gated)] });
    expect(newestAttempt(view, 'inspect', 'r')).toMatchObject({ state: 'failed', secondsToNext: 0 });
  });

  it('gives the last words of a pod a moment to arrive', () => {
    expect(attempt({ ended: failed(4) })).toMatchObject({ state: 'running', recheckAfter: 1 });
    expect(attempt({ ended: complete(3) })).toMatchObject({ state: 'running', recheckAfter: 2 });
    expect(attempt({})).toMatchObject({ state: 'running', recheckAfter: undefined });
    expect(attempt({ ended: failed(5) })).toMatchObject({ state: 'failed', reason: 'PullerFailed' });
  });

  it.for([
    ['nothing', undefined],
    ['the tail of a log', 'Killed\n'],
    ['other JSON', '{"inspection":42}'],
    ['an unknown reason', '{"failure":{"reason":"Bored","message":""}}'],
    [
      'the answer to another question',
      '{"publication":{"revision":"r","digest":"d","sizeBytes":1,"path":"p","files":[]}}',
    ],
  ] as const)('is PullerFailed, and says where the log is, when the pod leaves %s', ([, left]) => {
    for (const ended of [failed(60), complete(60)]) {
      const outcome = attempt({ ended }, left);
      expect(outcome).toMatchObject({ state: 'failed', reason: 'PullerFailed' });
      expect(JSON.stringify(outcome)).toContain('kubectl logs -n ns job/inspect-r-1');
    }
  });

  it('is DeadlineExceeded when the Job ran out of time', () => {
    const ended = { ...failed(60), reason: 'DeadlineExceeded' };
    expect(attempt({ ended })).toMatchObject({ state: 'failed', reason: 'DeadlineExceeded' });
  });

  it('goes by the newest pod of the Job that left a report', () => {
    const job = aJob({ request: 'r', ended: failed(60) });
    const made = (at: number, name: string, left?: PullerReport) => {
      const pod = aPodOf(job, left, name);
      return { ...pod, metadata: { ...pod.metadata, creationTimestamp: secondsAgo(at) } };
    };
    const rate: PullerReport = { failure: { reason: 'RateLimited', message: 'Later.' } };
    const pods = [made(30, 'a', gated), made(10, 'c'), made(20, 'b', rate)];
    expect(newestAttempt(aView({ jobs: [job], pods }), 'inspect', 'r')).toMatchObject({
      reason: 'RateLimited',
    });
  });

  it('does not take the words of a pod of another Job', () => {
    const job = aJob({ request: 'r', ended: complete(60) });
    const other = aPodOf(aJob({ request: 'other' }), inspection);
    expect(newestAttempt(aView({ jobs: [job], pods: [other] }), 'inspect', 'r').state).toBe('failed');
  });
});
