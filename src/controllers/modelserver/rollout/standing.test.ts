import { describe, expect, it } from 'vitest';
import { aModel, aServer, aServerView, commit } from '../../testing/objects.ts';
import {
  aModelOf,
  aPodFrom,
  aRollingView,
  aServedView,
  carriedOut,
  tooLate,
} from '../../testing/rollouts.ts';
import { whole } from '../../testing/servers.ts';
import type { ServerView } from '../view.ts';
import { planRollout, type RolloutPlan } from './plan.ts';
import { finishRollout, rolloutStanding, rolloutStatus, runtimeCondition } from './standing.ts';

const short = commit.slice(0, 12);
const plan = (view: ServerView): RolloutPlan => {
  const planned = planRollout(view);
  if (!planned) throw new Error('there is a plan where a Model has published something');
  return planned;
};

describe('a rollout', () => {
  const moving = aRollingView();
  const { built, from } = plan(moving).record;
  const pods = [
    aPodFrom(built, 'new', { ready: true }),
    aPodFrom(from?.built, 'old', { ready: true }),
    aPodFrom(built, 'loads'),
  ];

  it('says that it surges or drains, how far it is, and what one replica means', () => {
    expect(rolloutStanding({ ...moving, pods: pods.slice(0, 2) })).toEqual({
      status: 'False',
      reason: 'Surging',
      message: `1 of 1 pods are new, with revision ${short} of Model "qwen". A new one is ready before an old one stops.`,
    });
    const drain = { rollout: { strategy: 'Drain' } };
    expect(rolloutStanding(aRollingView(drain))).toMatchObject({ status: 'False', reason: 'Draining' });
    expect(rolloutStanding(aRollingView(drain)).message).toContain('nothing answers until');
    expect(rolloutStanding(aRollingView({ ...drain, replicas: 2 })).message).not.toContain('nothing answers');
  });

  it('tells what served before, and both digests while both answer', () => {
    expect(rolloutStatus({ ...moving, pods }, plan(moving))).toMatchObject({
      model: { digest: 'sha256:b', claimName: 'claim-b' },
      rollout: {
        strategy: 'Surge',
        from: { name: 'qwen', digest: 'sha256:a', claimName: 'claim-a' },
        answering: [
          { digest: 'sha256:b', pods: 1 },
          { digest: 'sha256:a', pods: 1 },
        ],
      },
    });
    expect(rolloutStatus({ ...moving, pods: pods.slice(1) }, plan(moving)).rollout?.answering).toEqual([
      { digest: 'sha256:a', pods: 1 },
    ]);
  });

  it('is over when all pods are new, and then there is nothing more to tell', () => {
    const over = aRollingView({}, whole);
    expect(finishRollout(over)).toMatchObject({
      at: 'done',
      conditions: [{ type: 'RolledOut', status: 'True', reason: 'Succeeded' }],
    });
    expect(rolloutStatus(over, plan(over)).rollout).toBeUndefined();
  });

  it('is not over while the first pods come', () => {
    const first = aServerView({ model: aModelOf('a') });
    expect(rolloutStanding(first)).toMatchObject({ status: 'False', reason: 'RollingOut' });
    expect(rolloutStanding(aServerView({ model: aModel() }))).toMatchObject({ status: 'Unknown' });
  });

  it('that was rolled back blocks the server when what served before answers again, with what was in the way', () => {
    const view = aRollingView({}, tooLate);
    const loaded = { type: 'Loaded', status: 'False' as const, reason: 'LoadFailed', message: 'Pod p: odd' };
    const conditions = [{ ...loaded, lastTransitionTime: '' }];
    const server = aServer({}, { conditions });
    const failed = { ...view, server };
    const told = { type: 'RolledOut', status: 'False', reason: 'RolledBack' };
    expect(finishRollout(failed)).toMatchObject({ at: 'done', conditions: [told] });
    const outcome = finishRollout(carriedOut(failed));
    expect(outcome).toMatchObject({ at: 'blocked', reason: 'RolledBack', conditions: [told] });
    expect(outcome.message).toMatch(
      /^Rolled back to revision .*stood still for 20m01s. LoadFailed: Pod p: odd/,
    );
    expect(outcome.message).toContain('longshore.dev/roll-at');
  });
});

describe('the runtime of a server', () => {
  const told = (view: ServerView) => runtimeCondition(view, plan(view));
  const newer = { ...aServedView(), image: 'runtime:2' };

  it('is told to be that of the operator, or older', () => {
    expect(told(aServedView())).toMatchObject({
      type: 'RuntimeCurrent',
      status: 'True',
      reason: 'Succeeded',
    });
    expect(told(newer)).toMatchObject({ status: 'False', reason: 'RuntimeOutdated' });
    expect(told(newer).message).toContain('runtime:1; the operator has runtime:2');
  });

  it('stands in the status, with what there is to turn to', () => {
    const { runtime } = rolloutStatus(newer, plan(newer));
    expect(runtime).toEqual({ image: 'runtime:1', vendor: 'nvidia', available: 'runtime:2' });
    expect(rolloutStatus(aServedView(), plan(aServedView())).runtime).toEqual({
      image: 'runtime:1',
      vendor: 'nvidia',
    });
  });
});
