import { describe, expect, it } from 'vitest';
import type { Deployment } from '../../../kube/builtin.ts';
import { aServer, aServerView, secondsAgo } from '../../testing/objects.ts';
import { aPodFrom } from '../../testing/rollouts.ts';
import { aDeployedView, aWeightsClaim, withoutNode } from '../../testing/servers.ts';
import type { ServerView } from '../view.ts';
import { planRollout, type RolloutPlan } from './plan.ts';
import { chooseStrategy, strategySpec, type Strategy } from './strategy.ts';

const noGpu = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.';
const rolling = { replicas: 2, updatedReplicas: 1, readyReplicas: 1 };
const { record: target } = plan(aServerView());

function plan(view: ServerView): RolloutPlan {
  const planned = planRollout(view);
  if (!planned) throw new Error('there is a plan where a Model has published something');
  return planned;
}

interface Choices {
  rollout?: object;
  status?: NonNullable<Deployment['status']>;
  live?: Strategy;
}

/** A rollout whose new pod waits for a node for so many seconds. */
function waiting(
  age: number,
  message = noGpu,
  { rollout = {}, status = rolling, live = 'Surge' }: Choices = {},
) {
  const pods = [aPodFrom(target.built, 'p', { age, ...withoutNode(message) })];
  const view = aDeployedView({ server: aServer({ rollout }), pods }, status);
  return withStrategy(view, live);
}
function withStrategy(view: ServerView, strategy: Strategy): ServerView {
  const { deployment } = view;
  if (!deployment?.spec) throw new Error('the view has a Deployment');
  const spec = { ...deployment.spec, strategy: strategySpec(strategy) };
  return { ...view, deployment: { ...deployment, spec } };
}
const choose = (view: ServerView) => chooseStrategy(view, target);

describe('strategy Auto', () => {
  it('surges, and looks again when the pod more has waited long enough', () => {
    expect(choose(waiting(100))).toEqual({ strategy: 'Surge', recheckAfter: 200 });
    expect(choose(waiting(10, noGpu, { rollout: { drainAfter: '30s' } })).recheckAfter).toBe(20);
  });

  it('drains from the beginning where one pod at a time may use the volume', () => {
    const claims = [aWeightsClaim('c', ['ReadWriteOncePod'])];
    expect(choose({ ...aServerView(), claims })).toEqual({ strategy: 'Drain' });
    expect(choose({ ...aServerView(), claims: [aWeightsClaim('c')] })).toEqual({ strategy: 'Surge' });
    const server = aServer({ rollout: { strategy: 'Surge' } });
    expect(choose({ ...aServerView({ server }), claims })).toEqual({ strategy: 'Surge' });
  });

  it('drains when a pod more would have to be where the volume is, and there is no room', () => {
    const there =
      "0/2 nodes are available: 1 Insufficient nvidia.com/gpu, 1 node(s) didn't match pod affinity rules.";
    expect(choose(waiting(301, there)).strategy).toBe('Drain');
  });

  it('drains when there was no room for so long', () => {
    expect(choose(waiting(300))).toEqual({ strategy: 'Drain', turned: `Pod p: ${noGpu}` });
  });

  it.for([
    ['CPUs', '0/2 nodes are available: 2 Insufficient cpu.'],
    ['pods on a node', '0/2 nodes are available: 2 Too many pods.'],
    ['volumes of a node', '0/1 nodes are available: 1 node(s) exceed max volume count.'],
    ['devices', '0/1 nodes are available: 1 cannot allocate all claims.'],
  ] as const)('drains for %s too', ([, message]) => {
    expect(choose(waiting(300, message)).strategy).toBe('Drain');
  });

  it.for([
    ['a node selector', "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."],
    ['a taint', '0/1 nodes are available: 1 node(s) had untolerated taint {gpu: none}.'],
    ['a claim that is not there', 'persistentvolumeclaim "x" not found'],
  ] as const)('does not drain for %s: an old pod that stops would not help', ([, message]) => {
    expect(choose(waiting(3000, message))).toEqual({ strategy: 'Surge' });
  });

  it('drains for a quota that leaves no room', () => {
    const refused = (seconds: number, message = 'exceeded quota: gpus') => {
      const lastTransitionTime = secondsAgo(seconds);
      const conditions = [{ type: 'ReplicaFailure', status: 'True', message, lastTransitionTime }];
      return aDeployedView({}, { replicas: 1, updatedReplicas: 0, conditions });
    };
    expect(choose(refused(100))).toEqual({ strategy: 'Surge', recheckAfter: 200 });
    expect(choose(refused(300))).toEqual({ strategy: 'Drain', turned: 'exceeded quota: gpus' });
    expect(choose(refused(300, 'violates PodSecurity')).strategy).toBe('Surge');
  });

  it('has nothing to drain for a server that comes up, or scales', () => {
    const status = { replicas: 2, updatedReplicas: 2 };
    expect(choose(waiting(3000, noGpu, { status }))).toEqual({ strategy: 'Surge' });
  });

  it('does not go by pods that are not of this rollout', () => {
    const pods = [aPodFrom('other', 'p', { age: 3000, ...withoutNode(noGpu) })];
    expect(choose({ ...waiting(3000), pods }).strategy).toBe('Surge');
  });

  it('does not go by a status of the Deployment before', () => {
    const status = { ...rolling, observedGeneration: 0 };
    expect(choose(waiting(3000, noGpu, { status })).strategy).toBe('Surge');
  });

  it('goes on draining when there is room again', () => {
    expect(choose(withStrategy(aDeployedView({}, rolling), 'Drain'))).toEqual({ strategy: 'Drain' });
  });
});

describe('a strategy that is chosen', () => {
  it.for(['Surge', 'Drain'] as const)('is %s whatever lacks', (strategy) => {
    const rollout = { strategy };
    expect(choose(waiting(3000, noGpu, { rollout }))).toEqual({ strategy });
    expect(choose(waiting(3000, noGpu, { rollout, live: 'Drain' }))).toEqual({ strategy });
  });
});

describe('the plan of a rollout', () => {
  it('tells that it drains, and that one replica is an outage', () => {
    const [one, two] = [1, 2].map((replicas) => {
      const view = waiting(300);
      return plan({ ...view, server: aServer({ replicas }) });
    });
    expect(one?.deployment.spec?.strategy?.rollingUpdate).toEqual({ maxSurge: 0, maxUnavailable: 1 });
    expect(one?.events).toMatchObject([{ type: 'Warning', reason: 'Draining' }]);
    expect(one?.events[0]?.note).toContain('nothing answers until');
    expect(one?.events[0]?.note).toContain('Insufficient nvidia.com/gpu');
    expect(two?.events[0]?.note).not.toContain('nothing answers');
  });

  it('begins the next one with a surge', () => {
    const drained = withStrategy(aDeployedView({}, rolling), 'Drain');
    const next = { ...drained, server: aServer({ runtime: { parallel: 2 } }) };
    expect(plan(next).strategy).toBe('Surge');
  });
});
