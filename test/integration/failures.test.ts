import { describe, expect, vi } from 'vitest';
import { reasons, type ReasonPlace } from '../../src/api/reasons.ts';
import { jobs, persistentVolumeClaims } from '../../src/kube/builtin.ts';
import { pullerReasons, transientReasons } from '../../src/protocols/puller.ts';
import { downloading, fails, reports } from './fake-kubelet.ts';
import { it } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, summary } from './objects.ts';
import { weights } from './weights.ts';

// Most of these tests wait for a retry, and nothing else.
vi.setConfig({ maxConcurrency: 16 });

/** What a puller may say where the Model stands at this condition, with what Reconciling and Stalled are then. */
function saidAt(where: ReasonPlace) {
  return pullerReasons
    .filter((reason) => (reasons[reason].where as readonly ReasonPlace[]).includes(where))
    .map((reason) => ({ reason, state: transientReasons.has(reason) ? 'True False' : 'False True' }));
}

describe.concurrent('a Model whose source cannot be resolved', () => {
  it.for(saidAt('Model Resolved'))(
    'says $reason, and whether time or a person can help',
    async ({ reason, state }, { world }) => {
      const name = `source-${reason.toLowerCase()}`;
      const message = `The hub said ${reason}. Do something about it.`;
      world.kubelet.plays({ model: name, task: 'inspect' }, fails(reason, message));
      await world.applyModel(name);
      const failed = await world.models.untilOne(
        name,
        (model) => conditionOf(model, 'Ready')?.message === message,
      );
      expect(summary(failed)).toBe(`False/${reason} ${state}`);
      expect(conditionOf(failed, 'Resolved')).toMatchObject({ status: 'False', reason, message });
      expect(conditionOf(failed, 'Pulled')).toMatchObject({ status: 'Unknown', reason: 'Pending' });
    },
  );

  it('is asked for again after a while, with the failure in sight until the answer is there', async ({
    world,
  }) => {
    const { inspection, publication } = weights();
    const { kubelet, models } = world;
    await world.applyModel('returning');
    const first = await kubelet.next({ model: 'returning', task: 'inspect' });
    await first.fails({ failure: { reason: 'GatedRepo', message: 'Ask for access.' } }, 2);
    await models.untilOne('returning', isStalled);

    const second = await kubelet.next({ model: 'returning', task: 'inspect' });
    await second.starts();
    // The operator looks while the second Job runs.
    await world.touch('returning');
    await second.succeeds({ inspection });
    kubelet.plays({ model: 'returning', task: 'pull' }, reports({ publication }));
    await models.untilOne('returning', isReady);

    const reasons = models.versions('returning').map(reasonOf);
    const from = reasons.indexOf('GatedRepo');
    const until = reasons.lastIndexOf('GatedRepo');
    expect(new Set(reasons.slice(from, until + 1))).toEqual(new Set(['GatedRepo']));
    expect(reasons.slice(until)).not.toContain('Resolving');
    expect(world.jobsOf('returning', 'inspect').map((name) => name.at(-1))).toEqual(['1', '2']);
    await world.jobs.untilGone(world.jobsOf('returning', 'inspect')[0] ?? '');
  });

  it('is asked for anew when the spec changes, and does not wait for the next attempt', async ({ world }) => {
    const { kubelet, models } = world;
    kubelet.plays({ model: 'corrected', task: 'inspect' }, fails('RepoNotFound', 'No owner/nmae.'));
    await world.applyModel('corrected', { repo: 'owner/nmae' });
    await models.untilOne('corrected', isStalled);
    kubelet.provides('corrected', weights());
    await world.applyModel('corrected', { repo: 'owner/name' });
    const ready = await models.untilOne('corrected', isReady);
    expect(ready.metadata.generation).toBe(2);
    // The first attempt at another question, which none has to precede.
    expect(world.jobsOf('corrected', 'inspect').map((name) => name.at(-1))).toEqual(['1', '1']);
  });

  it('says PullerFailed, and where the log is, when a puller dies without a word', async ({ world }) => {
    world.kubelet.plays({ model: 'mute', task: 'inspect' }, (pod) => pod.dies());
    await world.applyModel('mute');
    const failed = await world.models.untilOne('mute', (model) => reasonOf(model) === 'PullerFailed');
    expect(summary(failed)).toBe('False/PullerFailed True False');
    const [job] = world.jobsOf('mute');
    expect(conditionOf(failed, 'Ready')?.message).toContain(`kubectl logs -n ${world.namespace} job/${job}`);
  });

  it('says PullerFailed when what a puller leaves is no report', async ({ world }) => {
    world.kubelet.plays({ model: 'garbled', task: 'inspect' }, (pod) => pod.dies(1, '{"inspection": 42}'));
    await world.applyModel('garbled');
    await world.models.untilOne('garbled', (model) => reasonOf(model) === 'PullerFailed');
  });

  it('says PullerFailed when the report answers another question', async ({ world }) => {
    const { publication } = weights();
    world.kubelet.plays({ model: 'confused', task: 'inspect' }, reports({ publication }));
    await world.applyModel('confused');
    await world.models.untilOne('confused', (model) => reasonOf(model) === 'PullerFailed');
  });

  it('says DeadlineExceeded when the Job never got to run', async ({ world }) => {
    await world.applyModel('slow');
    await world.kubelet.next({ model: 'slow', task: 'inspect' });
    const [job = ''] = world.jobsOf('slow');
    await world.client.patch(jobs, world.ref(job), { spec: { activeDeadlineSeconds: 1 } });
    const failed = await world.models.untilOne('slow', (model) => reasonOf(model) === 'DeadlineExceeded');
    expect(summary(failed)).toBe('False/DeadlineExceeded True False');
  });
});

describe.concurrent('a Model whose pull does not end well', () => {
  it.for(saidAt('Model Pulled'))('says $reason and pulls again', async ({ reason, state }, { world }) => {
    const name = `pull-${reason.toLowerCase()}`;
    const { inspection, publication } = weights();
    // A revision that is gone is looked up anew.
    world.kubelet.always({ model: name, task: 'inspect' }, reports({ inspection }));
    world.kubelet.plays({ model: name, task: 'pull' }, fails(reason, 'So it was.'), reports({ publication }));
    await world.applyModel(name);
    const failed = await world.models.untilOne(name, (model) => reasonOf(model) === reason);
    expect(summary(failed)).toBe(`False/${reason} ${state}`);
    expect(conditionOf(failed, 'Pulled')).toMatchObject({ status: 'False', reason, message: 'So it was.' });
    await world.models.untilOne(name, isReady);
    expect(world.jobsOf(name, 'pull')).toHaveLength(2);
  });

  it('goes on from where a pod was killed, and its figures do not go back', async ({ world }) => {
    const { kubelet, models } = world;
    const { inspection, publication } = weights({ sizeBytes: 1_000_000_000 });
    kubelet.plays({ model: 'killed', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('killed');
    const first = await kubelet.next({ model: 'killed', task: 'pull' });
    await first.starts();
    first.says(downloading(600_000_000, 1_000_000_000));
    await models.untilOne('killed', ({ status }) => status?.progress?.percent === 60);
    await first.dies();

    const second = await kubelet.next({ model: 'killed', task: 'pull' });
    await second.starts();
    second.says({ phase: 'starting', downloadedBytes: 0, totalBytes: 1_000_000_000 });
    await second.asked(2);
    second.says(downloading(700_000_000, 1_000_000_000));
    await models.untilOne('killed', ({ status }) => status?.progress?.percent === 70);
    await second.succeeds({ publication });
    await models.untilOne('killed', isReady);
    const percents = models.versions('killed').map(({ status }) => status?.progress?.percent ?? 0);
    expect(percents).toEqual(percents.toSorted((a, b) => a - b));
    expect(world.jobsOf('killed', 'pull').length).toBe(1);
  });

  it('says VolumeLost when the volume behind the claim is gone', async ({ world }) => {
    const ready = await world.readyModel('lost');
    const name = ready.status?.artifact?.claimName ?? '';
    const annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
    const claim = { metadata: { annotations }, spec: { volumeName: `gone-${world.namespace}` } };
    await world.client.patch(persistentVolumeClaims, world.ref(name), claim);
    const stalled = await world.models.untilOne('lost', isStalled);
    expect(reasonOf(stalled)).toBe('VolumeLost');
  });

  it('says WriteRefused with the words of the API server when a LimitRange stands in the way', async ({
    world,
  }) => {
    const { inspection } = weights({ sizeBytes: 3_000_000_000_000 });
    await world.limitClaims('1Ti');
    world.kubelet.plays({ model: 'refused', task: 'inspect' }, reports({ inspection }));
    await world.applyModel('refused');
    const stalled = await world.models.untilOne('refused', isStalled);
    expect(reasonOf(stalled)).toBe('WriteRefused');
    expect(conditionOf(stalled, 'Ready')?.message).toContain('maximum storage usage');
  });
});
