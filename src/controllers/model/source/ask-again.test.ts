import { describe, expect, it } from 'vitest';
import type { ModelStatus } from '../../../api/model-status.ts';
import type { Condition } from '../../../kube/conditions.ts';
import { PullerRequest, type PullerReport } from '../../../protocols/puller.ts';
import { aJob, aModel, anArtifact, aPodOf, aView, commit, meta, secondsAgo } from '../../testing/objects.ts';
import { askAgain } from './ask-again.ts';
import { questionOf } from './question.ts';
import { inspectRequest } from '../view.ts';

const following = aModel({ update: { policy: 'OnChange', interval: '10m' } });
const asking = (of = following, value = '7') => ({
  ...of,
  metadata: meta('qwen', { annotations: { 'longshore.dev/requested-at': value } }),
});
const resolved = {
  source: 'hf:owner/name@main',
  request: inspectRequest(following),
  revision: commit,
  sizeBytes: 2_000_000,
  size: '2MB',
  fileCount: 1,
  checkedAt: secondsAgo(700),
  change: 'First' as const,
};
const artifact = anArtifact();
const moved = 'f'.repeat(40);
const gguf = { architecture: 'qwen3' };
const inspection = { revision: moved, sizeBytes: 3_000_000, fileCount: 1, gguf };
const condition = (
  type: string,
  status: Condition['status'],
  reason: string,
  more: object = {},
): Condition => ({
  type,
  status,
  reason,
  message: 'So it was.',
  observedGeneration: 1,
  lastTransitionTime: secondsAgo(60),
  ...more,
});

function asked(of = following, status: Partial<ModelStatus> = {}, at = resolved) {
  return askAgain(aView({ model: of }), { resolved: at, artifact, ...status }, at);
}

/** What follows from a check that ended, or did not. */
function outcomeOf(left?: PullerReport, { of = following, status = {}, attempt = 1, secondsSince = 0 } = {}) {
  const type = left && 'failure' in left ? ('Failed' as const) : ('Complete' as const);
  const ended = left && { ended: { type, secondsAgo: secondsSince } };
  const job = aJob({ request: questionOf(of, resolved), attempt, ...ended });
  const view = aView({ model: of, jobs: [job], pods: [aPodOf(job, left)] });
  return askAgain(view, { resolved, artifact, ...status }, resolved);
}
const failure = { failure: { reason: 'SourceUnreachable' as const, message: 'Nobody is there.' } };

describe('a source that was asked', () => {
  it('is left alone until its interval is over', () => {
    const outcome = asked(following, {}, { ...resolved, checkedAt: secondsAgo(100) });
    expect(outcome).toMatchObject({
      at: 'done',
      message: 'hf:owner/name@main is 0123456789ab: 1 file, 2MB.',
    });
    expect(outcome.recheckAfter).toBeGreaterThan(400);
    expect([outcome.apply, outcome.status]).toEqual([undefined, undefined]);
  });

  it('is asked then, by a Job that knows what it said before', () => {
    const outcome = asked();
    expect(outcome.at).toBe('done');
    const job = outcome.apply?.[0]?.object as ReturnType<typeof aJob> | undefined;
    const text = job?.spec?.template.spec?.containers[0]?.env?.[0]?.value ?? '';
    expect(PullerRequest.parse(JSON.parse(text))).toMatchObject({ knownRevision: commit });
    expect(outcome.status).toBeUndefined();
  });

  it('is never asked without a policy or an annotation', () => {
    const { message, ...left } = asked(aModel());
    expect(left).toEqual({ at: 'done', recheckAfter: undefined });
    expect(message).toContain('hf:owner/name@main');
  });

  it('is left alone while what it named is on its way, and asked when that is stalled', () => {
    const none = { artifact: undefined };
    expect(asked(following, none).apply).toBeUndefined();
    const stalled = [condition('Stalled', 'True', 'NotGGUF')];
    expect(asked(following, { ...none, conditions: stalled }).apply).toHaveLength(1);
  });

  it('is left alone while the Model is suspended, and a question that runs is ended', () => {
    const of = aModel({ suspend: true, update: following.spec.update });
    const running = aJob({ request: questionOf(of, resolved) });
    const conditions = [condition('Resolved', 'False', 'SourceUnreachable')];
    const view = aView({ model: asking(of), jobs: [running] });
    const outcome = askAgain(view, { resolved, artifact, conditions }, resolved);
    expect(outcome).toMatchObject({ at: 'done', conditions: [{ status: 'False' }] });
    expect(outcome.remove?.map(({ object }) => object)).toEqual([running]);
    expect([outcome.apply, outcome.recheckAfter]).toEqual([undefined, undefined]);
  });

  it('is asked at once when somebody asks by annotation, whatever the policy', () => {
    for (const of of [following, aModel()]) {
      const fresh = { ...resolved, checkedAt: secondsAgo(1) };
      expect(asked(asking(of), {}, fresh).apply).toHaveLength(1);
      expect(asked(asking(of), { lastHandledRequest: '7' }, fresh).apply).toBeUndefined();
      expect(asked(asking(of, '8'), { lastHandledRequest: '7' }, fresh).apply).toHaveLength(1);
    }
  });
});

describe('a check', () => {
  it('writes when it was when nothing has changed, and nothing else', () => {
    const outcome = outcomeOf({ unchanged: { revision: commit } });
    expect(outcome).toMatchObject({
      at: 'done',
      status: { resolved: { ...resolved, checkedAt: '2030-01-01T12:00:00Z' } },
    });
    expect(Object.keys(outcome.status ?? {})).toEqual(['resolved']);
    expect(outcome.recheckAfter).toBeGreaterThan(500);
    expect(outcome.events).toBeUndefined();
    const asAsked = outcomeOf({ unchanged: { revision: commit } }, { of: asking() });
    expect(asAsked.status?.lastHandledRequest).toBe('7');
  });

  it('of a source without a shorter answer that says the same leaves why it is this revision', () => {
    const outcome = outcomeOf({ inspection: { ...inspection, revision: commit } });
    expect(outcome.status?.resolved).toMatchObject({ revision: commit, change: 'First' });
    expect(outcome.events).toBeUndefined();
  });

  it('that finds another revision has it resolved, its facts kept apart, and tells it', () => {
    const outcome = outcomeOf({ inspection });
    expect(outcome.status).toEqual({
      resolved: {
        ...resolved,
        revision: moved,
        sizeBytes: 3_000_000,
        size: '3MB',
        checkedAt: '2030-01-01T12:00:00Z',
        change: 'SourceMoved',
        gguf,
      },
    });
    expect(outcome.events).toMatchObject([
      {
        reason: 'RevisionChanged',
        note: 'hf:owner/name@main was 0123456789ab and is ffffffffffff by now. It is pulled beside what is published.',
      },
    ]);
    const requested = outcomeOf({ inspection }, { of: asking() });
    expect(requested.status).toMatchObject({ resolved: { change: 'Requested' }, lastHandledRequest: '7' });
  });

  it('that fails is told by Resolved and leaves the rest, and is made again', () => {
    const outcome = outcomeOf(failure);
    expect(outcome).toMatchObject({
      at: 'done',
      recheckAfter: 10,
      conditions: [
        {
          type: 'Resolved',
          status: 'False',
          reason: 'SourceUnreachable',
          message: `Nobody is there. Revision 0123456789ab, which the source named at ${resolved.checkedAt}, stays.`,
        },
      ],
    });
    expect(outcome.apply).toBeUndefined();
    const again = outcomeOf(failure, { secondsSince: 11 });
    expect(again.apply).toHaveLength(1);
    expect(again.remove).toHaveLength(1);
    expect(outcomeOf(failure, { of: asking() }).status).toEqual({ lastHandledRequest: '7' });
  });

  it('that goes on failing is made on the interval at least, and each hour where there is none', () => {
    expect(outcomeOf(failure, { attempt: 9 }).recheckAfter).toBe(600);
    expect(outcomeOf(failure, { of: asking(aModel()), attempt: 12 }).recheckAfter).toBe(3600);
  });

  it('keeps a failure in sight while it is made again, and is made until it ends well', () => {
    const conditions = [condition('Resolved', 'False', 'SourceUnreachable')];
    const told = [{ type: 'Resolved', status: 'False', reason: 'SourceUnreachable', message: 'So it was.' }];
    expect(outcomeOf(undefined, { attempt: 2, status: { conditions } }).conditions).toEqual(told);
    const handled = { conditions, lastHandledRequest: '7' };
    expect(asked(asking(aModel()), handled)).toMatchObject({ apply: [{}], conditions: told });
    const other = { conditions: [condition('Resolved', 'False', 'GatedRepo', { observedGeneration: 0 })] };
    expect(asked(aModel(), other).apply).toBeUndefined();
  });
});
