import { describe, expect, it } from 'vitest';
import { labels, rollAtAnnotation, rolloutAnnotation } from '../../labels.ts';
import { aModel, aServer, aServerView, meta } from '../../testing/objects.ts';
import { aModelOf, aPodFrom, carriedOut, onItsWay, tooLate } from '../../testing/rollouts.ts';
import { aDeploymentFor, containerThat, whole } from '../../testing/servers.ts';
import type { ServerView } from '../view.ts';
import { planRollout } from './plan.ts';
import { readRecord } from './record.ts';

const cpu = { gpu: { count: 0 } };
const annotated = (value: string, spec: object = {}) => {
  const server = aServer(spec);
  return { ...server, metadata: { ...server.metadata, annotations: { [rollAtAnnotation]: value } } };
};
const plan = (view: ServerView) => {
  const planned = planRollout(view);
  if (!planned) throw new Error('there is a plan where a Model has published something');
  return planned;
};
const templateOf = (view: ServerView) => plan(view).deployment.spec?.template;
const imageOf = (view: ServerView) => templateOf(view)?.spec?.containers[0]?.image;
const claimOf = (view: ServerView) => templateOf(view)?.spec?.volumes?.[0]?.persistentVolumeClaim?.claimName;

describe('the first pods of a server', () => {
  const first = aServerView({ model: aModelOf('a') });

  it('have nothing to go back to', () => {
    expect(plan(first).record.from).toBeUndefined();
    expect(plan(first).strategy).toBe('Surge');
    expect(plan(carriedOut(first, tooLate)).isRolledBack).toBe(false);
  });

  it('are planned again as they are', () => {
    expect(plan(carriedOut(first)).deployment).toEqual(plan(first).deployment);
    expect(plan(carriedOut(first)).isOver).toBe(true);
  });

  it('carry the name of their template, and the digest of what they load', () => {
    const { record, deployment } = plan(first);
    expect(deployment.spec?.template.metadata).toMatchObject({
      labels: { [labels.template]: record.built, [labels.server]: 'chat' },
      annotations: { 'longshore.dev/model-digest': 'sha256:a' },
    });
  });

  it('are those of a Deployment whose record nobody can read', () => {
    const annotations = { [rolloutAnnotation]: '{"asked":1}' };
    const { spec } = plan(first).deployment;
    const deployment = { metadata: meta('chat', { annotations }), spec, status: whole };
    expect(plan({ ...first, deployment }).record).toEqual(plan(first).record);
  });
});

describe('a server whose Model publishes another revision', () => {
  const served = carriedOut(aServerView({ model: aModelOf('a') }));
  const next = { ...served, model: aModelOf('b') };
  const moving = carriedOut(next, onItsWay);

  it('rolls to it, and keeps what brings the one before back', () => {
    expect(claimOf(next)).toBe('claim-b');
    expect(plan(next).record.model.digest).toBe('sha256:b');
    expect(plan(next).record.from).toMatchObject({
      model: { digest: 'sha256:a', claimName: 'claim-a' },
      template: served.deployment?.spec?.template,
    });
    expect(plan(next).isOver).toBe(false);
  });

  it('is planned the same while it rolls, by an operator that was started again too', () => {
    expect(plan(moving).deployment).toEqual(plan(next).deployment);
    expect(plan(moving).isOver).toBe(false);
  });

  it('lets go of the one before when the rollout is over', () => {
    const over = plan(carriedOut(next));
    expect(over.isOver).toBe(true);
    expect(over.record.from).toBeUndefined();
    expect(over.deployment.spec).toEqual(plan(next).deployment.spec);
  });

  it('is not over by the word of the controller on the Deployment before', () => {
    const unseen = carriedOut(next, { ...whole, observedGeneration: 0 });
    expect(plan(unseen).isOver).toBe(false);
    // A ReplicaSet that was there already: the reason is that of its last rollout.
    const again = carriedOut(next, { ...whole, replicas: 2, updatedReplicas: 1 });
    expect(plan(again).isOver).toBe(false);
    expect(plan(again).record.from).toBeDefined();
  });

  it('goes back when the rollout stands still for too long', () => {
    const failed = carriedOut(next, tooLate);
    expect(plan(failed)).toMatchObject({
      isRolledBack: true,
      record: { model: { digest: 'sha256:a' }, failed: { asked: plan(next).record.asked } },
      events: [{ type: 'Warning', reason: 'RolledBack' }],
    });
    expect(plan(failed).deployment.spec?.template).toEqual(served.deployment?.spec?.template);
    expect(plan(failed).record.from).toBeUndefined();
  });

  it('goes back when a new pod ends again and again, and not for a pod of before', () => {
    const restarts = (of: ServerView) => {
      const pod = aPodFrom(plan(of).record.built, 'p', containerThat({ restartCount: 3 }));
      return { ...moving, pods: [pod] };
    };
    expect(plan(restarts(next)).isRolledBack).toBe(true);
    expect(plan(restarts(served)).isRolledBack).toBe(false);
    // Nobody looked when it was over, and what served for a while ends now.
    const over = { ...restarts(next), deployment: carriedOut(next).deployment };
    expect(plan(over)).toMatchObject({ isRolledBack: false, record: { model: { digest: 'sha256:b' } } });
  });

  describe('and has gone back from it', () => {
    const back = carriedOut(carriedOut(next, tooLate));

    it('stays there, and tells nobody anew', () => {
      expect(plan(back)).toMatchObject({ isRolledBack: true, events: [] });
      expect(plan(back).deployment).toEqual(plan(carriedOut(next, tooLate)).deployment);
      expect(plan(carriedOut(back, tooLate)).record.model.digest).toBe('sha256:a');
    });

    it('tries what comes next', () => {
      const third = plan({ ...back, model: aModelOf('c') });
      expect(third.isRolledBack).toBe(false);
      expect(third.record).toMatchObject({
        model: { digest: 'sha256:c' },
        from: { model: { digest: 'sha256:a' } },
      });
      expect(third.record.failed).toBeUndefined();
    });

    it('tries the same again when it is asked to, once', () => {
      const again = { ...back, server: annotated('now') };
      expect(plan(again).record).toMatchObject({ model: { digest: 'sha256:b' }, rolledAt: 'now' });
      const failedAgain = carriedOut(carriedOut(again, tooLate));
      expect(plan(failedAgain)).toMatchObject({
        isRolledBack: true,
        record: { model: { digest: 'sha256:a' }, rolledAt: 'now' },
      });
    });

    it('is whole again when the Model is back too', () => {
      const whole = plan({ ...back, model: aModelOf('a') });
      expect(whole.isRolledBack).toBe(false);
      expect(whole.deployment.spec?.template).toEqual(served.deployment?.spec?.template);
    });
  });

  it('goes on to a third with the first still behind it, when the second never served', () => {
    const third = plan({ ...moving, model: aModelOf('c') });
    expect(third.record.model.digest).toBe('sha256:c');
    expect(third.record.from?.model.digest).toBe('sha256:a');
  });

  it('goes back by hand to the first with nothing behind it', () => {
    const back = plan({ ...moving, model: aModelOf('a') });
    expect(back.record).toEqual(plan(served).record);
    expect(back.deployment.spec?.template).toEqual(served.deployment?.spec?.template);
  });

  it('has nothing to go back to when the first never served', () => {
    const never = carriedOut(aServerView({ model: aModelOf('a') }), tooLate);
    expect(plan({ ...never, model: aModelOf('b') }).record.from).toBeUndefined();
  });
});

describe('an operator with another runtime', () => {
  const view = aServerView({ model: aModelOf('a') });
  const upgraded = (spec: object = {}, server = aServer(spec)) => ({
    ...carriedOut({ ...view, server: aServer(spec) }),
    server,
    image: 'runtime:2',
  });

  it('leaves pods on GPUs as they are, and says so', () => {
    expect(imageOf(upgraded())).toBe('runtime:1');
    expect(plan(upgraded())).toMatchObject({ isOutdated: true, isOver: true });
    expect(plan(carriedOut(view)).isOutdated).toBe(false);
  });

  it('replaces pods on CPUs', () => {
    expect(imageOf(upgraded(cpu))).toBe('runtime:2');
    expect(plan(upgraded(cpu)).record.from?.image).toBe('runtime:1');
  });

  it('keeps the runtime on GPUs when something else changes', () => {
    const edited = upgraded({}, aServer({ runtime: { contextSize: 4096 } }));
    expect(imageOf(edited)).toBe('runtime:1');
    expect(plan(edited).record.from).toBeDefined();
    expect(imageOf({ ...upgraded(), model: aModelOf('b') })).toBe('runtime:1');
  });

  it('takes its own for GPUs of another vendor', () => {
    expect(imageOf(upgraded({}, aServer({ gpu: { vendor: 'amd' } })))).toBe('runtime:2');
  });

  it('replaces pods on GPUs when it is asked to, once', () => {
    const asked = upgraded({}, annotated('now'));
    expect(imageOf(asked)).toBe('runtime:2');
    expect(plan(asked).record).toMatchObject({ rolledAt: 'now', from: { image: 'runtime:1' } });
    const again = { ...carriedOut(asked), image: 'runtime:3' };
    expect(imageOf(again)).toBe('runtime:2');
    // The annotation stands there still when the next revision comes.
    const next = { ...again, model: aModelOf('b') };
    expect(plan(next).record).toMatchObject({ image: 'runtime:2', rolledAt: 'now' });
  });

  it('brings the one before back when its own does not come to serve, and the spec is fulfilled', () => {
    const failed = carriedOut(upgraded({}, annotated('now')), tooLate);
    expect(imageOf(failed)).toBe('runtime:1');
    expect(plan(failed)).toMatchObject({ isRolledBack: false, isOutdated: true });
    expect(plan(carriedOut(failed))).toMatchObject({
      isRolledBack: false,
      record: { failed: { image: 'runtime:2' } },
    });
    expect(imageOf(carriedOut(failed))).toBe('runtime:1');
  });

  it('brings it back on CPUs too, and tries it again when somebody asks, or when there is another', () => {
    const failed = carriedOut(upgraded(cpu), tooLate);
    expect(imageOf(failed)).toBe('runtime:1');
    const back = carriedOut(failed);
    expect(plan(back)).toMatchObject({
      isRolledBack: false,
      isOutdated: true,
      record: { failed: { image: 'runtime:2' } },
    });
    expect(imageOf(back)).toBe('runtime:1');
    expect(imageOf({ ...back, server: annotated('now', cpu) })).toBe('runtime:2');
    expect(imageOf({ ...back, image: 'runtime:3' })).toBe('runtime:3');
    // An edit is rolled out with what is known to serve.
    const edited = { ...back, server: aServer({ ...cpu, runtime: { parallel: 2 } }) };
    expect(imageOf(edited)).toBe('runtime:1');
    expect(plan(edited).record.from?.image).toBe('runtime:1');
    expect(imageOf(carriedOut(edited))).toBe('runtime:1');
  });

  it('makes a Deployment that was deleted again with the runtime that the status tells', () => {
    const server = aServer({}, { runtime: { image: 'runtime:1', vendor: 'nvidia' } });
    const gone = { ...view, server, image: 'runtime:2' };
    expect(imageOf(gone)).toBe('runtime:1');
    expect(imageOf({ ...gone, server: aServer(cpu, server.status) })).toBe('runtime:2');
  });
});

describe('an operator that builds other pods for the same', () => {
  const view = aServerView({ model: aModelOf('a') });
  /** As if an earlier release had built this one. */
  function built(): ServerView {
    const deployment = aDeploymentFor(view, whole);
    const annotations = {
      [rolloutAnnotation]: JSON.stringify({ ...readRecord(deployment), built: 'earlier' }),
    };
    if (!deployment.spec) throw new Error('it has a spec');
    const template = { ...deployment.spec.template, metadata: { labels: { made: 'earlier' } } };
    const spec = { ...deployment.spec, template };
    return { ...view, deployment: { ...deployment, metadata: meta('chat', { annotations }), spec } };
  }

  it('leaves them as they are, and says so', () => {
    expect(plan(built()).deployment.spec?.template.metadata).toEqual({ labels: { made: 'earlier' } });
    expect(plan(built())).toMatchObject({ isOutdated: true, isOver: true, record: { built: 'earlier' } });
  });

  it('scales them', () => {
    const scaled = plan({ ...built(), server: aServer({ replicas: 3 }) });
    expect(scaled.deployment.spec?.replicas).toBe(3);
    expect(scaled.record.built).toBe('earlier');
  });

  it('replaces them with the next change, or when it is asked to', () => {
    for (const server of [aServer({ runtime: { parallel: 2 } }), annotated('now')]) {
      const next = plan({ ...built(), server });
      expect(next.record.built).not.toBe('earlier');
      expect(next.record.from?.built).toBe('earlier');
    }
  });
});

it('a server without weights has no plan', () => {
  expect(planRollout(aServerView({ model: aModel() }))).toBeUndefined();
});
