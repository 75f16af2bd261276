import { describe, expect } from 'vitest';
import type { Model } from '../../src/api/model.ts';
import { events } from '../../src/kube/builtin.ts';
import type { Live } from '../../src/kube/kind.ts';
import { PullerRequest, requestVariable } from '../../src/protocols/puller.ts';
import { eventually } from './eventually.ts';
import { downloading, fails, reports } from './fake-kubelet.ts';
import { it } from './it.ts';
import { conditionOf, isReady, isStalled, reasonOf, type ModelChoices } from './objects.ts';
import type { PlayedPod } from './played-pod.ts';
import { asked, makeClaim } from './shared-claim.ts';
import { commit, weights, type Weights } from './weights.ts';
import type { World } from './world.ts';

const [first, second, third] = ['first', 'second', 'third'].map((seed) =>
  weights({ revision: commit(seed) }),
) as [Weights, Weights, Weights];
const keep = (keepRevisions: number) => ({ update: { keepRevisions } });
const collection = { freedBytes: 1, removedBlobs: 1, keptBlobs: 1 };

/** Whether it is Ready with this content. */
const serves =
  ({ publication }: Weights) =>
  (model: Live<Model>) =>
    isReady(model) && model.status?.artifact?.digest === publication.digest;

/** An edit after which the source names this content, and what has to be pulled of it is. */
async function editedTo(
  world: World,
  name: string,
  content: Weights,
  choices: ModelChoices,
): Promise<Live<Model>> {
  world.kubelet.provides(name, content);
  await world.applyModel(name, choices);
  return world.models.untilOne(name, serves(content));
}

/** The same, where nothing is there that would play a pull. */
async function switchedTo(
  world: World,
  name: string,
  { inspection, ...content }: Weights,
  choices: ModelChoices,
): Promise<Live<Model>> {
  world.kubelet.plays({ model: name, task: 'inspect' }, reports({ inspection }));
  await world.applyModel(name, choices);
  return world.models.untilOne(name, serves({ inspection, ...content }));
}

const claimName = ({ status }: Live<Model>): string => status?.artifact?.claimName ?? '';
const changesOf = ({ status }: Live<Model>) =>
  status?.history?.map(({ revision, change }) => `${revision} ${change}`);
const requestOf = (pod: PlayedPod) =>
  PullerRequest.parse(
    JSON.parse(pod.spec.containers[0]?.env?.find(({ name }) => name === requestVariable)?.value ?? ''),
  );

describe.concurrent('a new revision that fails', () => {
  it('leaves what is published as it is, and an edit back needs no pull', async ({ world }) => {
    const { kubelet, models, claims } = world;
    const ready = await world.readyModel('failing', first);
    const other = { ...second.inspection, gguf: { architecture: 'other' } };
    kubelet.plays({ model: 'failing', task: 'inspect' }, reports({ inspection: other }));
    kubelet.plays({ model: 'failing', task: 'pull' }, fails('ChecksumMismatch', 'It is another file.'));
    await world.applyModel('failing', { revision: 'v2' });
    const failed = await models.untilOne('failing', (model) => reasonOf(model) === 'ChecksumMismatch');
    expect(failed.status).toMatchObject({
      artifact: ready.status?.artifact,
      gguf: first.inspection.gguf,
      resolved: { revision: commit('second'), gguf: other.gguf },
    });
    const abandoned = failed.status?.storage?.claimName ?? '';
    expect(abandoned).not.toBe(claimName(ready));

    const back = await switchedTo(world, 'failing', first, { revision: 'main' });
    expect(back.status?.artifact).toEqual(ready.status?.artifact);
    expect(back.status?.resolved).not.toHaveProperty('gguf');
    await claims.untilGone(abandoned);
    const pulls = world.jobsOf('failing', 'pull').length;
    expect(pulls).toBeLessThanOrEqual(2);
    expect(changesOf(back)).toEqual([`${commit('first')} First`]);
  });
});

describe.concurrent('revisions that are kept', () => {
  it('stay on their claims, and one of them is published again without any pull', async ({ world }) => {
    const { models, claims } = world;
    const one = await world.readyModel('keeping', first, keep(2));
    const two = await editedTo(world, 'keeping', second, { ...keep(2), revision: 'v2' });
    expect(claimName(two)).not.toBe(claimName(one));
    const back = await switchedTo(world, 'keeping', first, { ...keep(2), revision: 'v1' });
    expect(back.status).toMatchObject({ artifact: one.status?.artifact, progress: { percent: 100 } });
    expect(world.jobsOf('keeping', 'pull')).toHaveLength(2);
    expect(changesOf(back)).toEqual([
      `${commit('first')} SpecChanged`,
      `${commit('second')} SpecChanged`,
      `${commit('first')} First`,
    ]);
    expect(claims.get(claimName(two))?.metadata.deletionTimestamp).toBeUndefined();

    // A third one is one too many.
    const three = await editedTo(world, 'keeping', third, { ...keep(2), revision: 'v3' });
    await claims.untilGone(claimName(two));
    expect(claims.get(claimName(one))?.metadata.uid).toBe(one.status?.artifact?.claimUid);
    await world.applyModel('keeping', { ...keep(1), revision: 'v3' });
    await claims.untilGone(claimName(one));
    const left = await models.untilOne('keeping', serves(third));
    expect(left.status?.artifact).toEqual(three.status?.artifact);
    expect(left.status?.history?.filter(({ files }) => files)).toHaveLength(1);
  });

  it('stay when their claims are retained, too', async ({ world }) => {
    const retained = { storage: { reclaimPolicy: 'Retain' as const }, ...keep(2) };
    const one = await world.readyModel('retaining', first, retained);
    const two = await editedTo(world, 'retaining', second, { ...retained, revision: 'v2' });
    const back = await switchedTo(world, 'retaining', first, { ...retained, revision: 'v1' });
    expect(back.status?.artifact).toEqual(one.status?.artifact);
    await editedTo(world, 'retaining', third, { ...retained, revision: 'v3' });
    await world.claims.untilGone(claimName(two));
  });

  it('stay on a shared claim, and what is one too many is removed from it', async ({ world }) => {
    const { kubelet, models } = world;
    await makeClaim(world, 'of-keepers');
    const on = { storage: { claimName: 'of-keepers' }, ...keep(2) };
    const one = await world.readyModel('sharing', first, on);
    const two = await editedTo(world, 'sharing', second, { ...on, revision: 'v2' });
    const back = await switchedTo(world, 'sharing', first, { ...on, revision: 'v1' });
    expect(back.status?.artifact).toEqual(one.status?.artifact);
    expect(world.jobsOf('sharing', 'pull')).toHaveLength(2);
    expect(world.jobsOf('sharing', 'collect').filter((name) => !name.endsWith('-0'))).toEqual([]);

    const three = await editedTo(world, 'sharing', third, { ...on, revision: 'v3' });
    const collect = await kubelet.next({ model: 'sharing', task: 'collect' });
    const digests = [three, one].map(({ status }) => status?.artifact?.digest);
    expect(asked(collect).forget?.except).toEqual(digests);
    await collect.succeeds({ collection });
    const left = await models.untilOne('sharing', ({ status }) => status?.storage?.replaced?.length === 1);
    expect(left.status?.storage?.replaced).toEqual([one.status?.artifact?.digest]);
    // What was removed is pulled again.
    kubelet.plays({ model: 'sharing', task: 'inspect' }, reports({ inspection: second.inspection }));
    await world.applyModel('sharing', { ...on, revision: 'v2' });
    const pull = await kubelet.next({ model: 'sharing', task: 'pull' });
    expect(models.get('sharing')?.status?.artifact).toEqual(three.status?.artifact);
    await pull.succeeds({ publication: second.publication });
    const again = await models.untilOne('sharing', serves(second));
    expect(again.status?.artifact).toEqual(two.status?.artifact);
  });

  it('on a shared claim are told apart by the files that are chosen, too', async ({ world }) => {
    await makeClaim(world, 'of-choosers');
    const on = { storage: { claimName: 'of-choosers' }, ...keep(2) };
    const one = await world.readyModel('choosing', first, on);
    const digest = `sha256:${'1'.repeat(64)}`;
    const other = { ...first, publication: { ...first.publication, digest } };
    world.kubelet.provides('choosing', other);
    const source = { huggingFace: { repo: 'owner/name', revision: 'main', quantization: 'Q8_0' } };
    await world.applyModel('choosing', { ...on, source } as ModelChoices);
    const two = await world.models.untilOne('choosing', serves(other));
    expect(two.status?.artifact?.revision).toBe(one.status?.artifact?.revision);
    expect(world.jobsOf('choosing', 'pull')).toHaveLength(2);
  });
});

describe.concurrent('a Model that follows a branch', () => {
  const following = { update: { policy: 'OnChange' as const, interval: '1h' } };

  it('has it asked on the interval, and writes when that was and nothing else', async ({ world }) => {
    const { kubelet, models, jobs } = world;
    const ready = await world.readyModel('following', first, following);
    expect(ready.spec.update).toEqual({ policy: 'OnChange', interval: '1h', keepRevisions: 1 });
    await world.letTimePass('following');
    const check = await kubelet.next({ model: 'following', task: 'inspect' });
    expect(requestOf(check).knownRevision).toBe(commit('first'));
    const before = models.versions('following').length;
    await check.succeeds({ unchanged: { revision: commit('first') } });
    const checked = await models.untilOne(
      'following',
      ({ status }) => Date.parse(status?.resolved?.checkedAt ?? '') > Date.parse('2026-01-01'),
    );
    await jobs.untilGone(check.pod.metadata.labels?.['job-name'] ?? '');
    expect(models.versions('following').length - before).toBe(1);
    expect(checked.status).toEqual({
      ...ready.status,
      resolved: { ...ready.status?.resolved, checkedAt: checked.status?.resolved?.checkedAt },
    });
  });

  it('keeps serving while a check fails, which is told', async ({ world }) => {
    const { kubelet, models } = world;
    const ready = await world.readyModel('unreachable', first, following);
    kubelet.plays({ model: 'unreachable', task: 'inspect' }, fails('RepoNotFound', 'It is gone.'));
    await world.letTimePass('unreachable');
    const failing = await models.untilOne(
      'unreachable',
      (model) => conditionOf(model, 'Resolved')?.status === 'False',
    );
    expect(isReady(failing)).toBe(true);
    expect(isStalled(failing)).toBe(false);
    expect(conditionOf(failing, 'Resolved')).toMatchObject({
      reason: 'RepoNotFound',
      message: expect.stringMatching(/^It is gone\. Revision .* stays\.$/) as string,
    });
    expect(failing.status?.artifact).toEqual(ready.status?.artifact);
    // It is asked again, and what was told is taken back.
    const again = await kubelet.next({ model: 'unreachable', task: 'inspect' }, 60_000);
    await again.succeeds({ unchanged: { revision: commit('first') } });
    await models.untilOne('unreachable', (model) => conditionOf(model, 'Resolved')?.status === 'True');
    const readiness = models.versions('unreachable').map(({ status }) => status?.artifact?.digest);
    expect(new Set(readiness.slice(readiness.indexOf(ready.status?.artifact?.digest))).size).toBe(1);
  });

  it('pulls what the branch has moved to beside what serves, and tells it', async ({ world }) => {
    const { kubelet, models, client } = world;
    const ready = await world.readyModel('moving', first, following);
    kubelet.plays({ model: 'moving', task: 'inspect' }, reports({ inspection: second.inspection }));
    await world.letTimePass('moving');
    const pull = await kubelet.next({ model: 'moving', task: 'pull' });
    expect(requestOf(pull).revision).toBe(commit('second'));
    await pull.starts();
    pull.says(downloading(47_000_000, second.publication.sizeBytes));
    const pulling = await models.untilOne('moving', ({ status }) => status?.progress?.percent === 1);
    expect(pulling.status?.artifact).toEqual(ready.status?.artifact);
    await pull.succeeds({ publication: second.publication });
    const moved = await models.untilOne('moving', serves(second));
    expect(changesOf(moved)).toEqual([`${commit('second')} SourceMoved`, `${commit('first')} First`]);
    await world.claims.untilGone(claimName(ready));
    await eventually(async () => {
      const { items } = await client.list(events, { namespace: world.namespace });
      const told = items.filter(({ reason }) => reason === 'RevisionChanged');
      expect(told.map(({ regarding, note }) => [regarding?.name, note])).toContainEqual([
        'moving',
        expect.stringContaining(`is ${commit('second').slice(0, 12)} by now`),
      ]);
    });
    // Nobody has edited it.
    expect(moved.metadata.generation).toBe(1);
  });

  it('goes back to a revision that is kept when the branch does', async ({ world }) => {
    const back = { update: { ...following.update, keepRevisions: 2 } };
    const { kubelet, models } = world;
    const ready = await world.readyModel('returning', first, back);
    kubelet.provides('returning', second);
    await world.letTimePass('returning');
    await models.untilOne('returning', serves(second));
    kubelet.plays({ model: 'returning', task: 'inspect' }, reports({ inspection: first.inspection }));
    await world.letTimePass('returning');
    const again = await models.untilOne('returning', serves(first));
    expect(again.status?.artifact).toEqual(ready.status?.artifact);
    expect(world.jobsOf('returning', 'pull')).toHaveLength(2);
  });
});

describe.concurrent('a Model that somebody asks for by annotation', () => {
  it('is resolved anew at once, and says that it was', async ({ world }) => {
    const { kubelet, models } = world;
    await world.readyModel('asked', first);
    await world.request('asked', '1');
    const check = await kubelet.next({ model: 'asked', task: 'inspect' });
    expect(models.get('asked')?.status?.lastHandledRequest).toBeUndefined();
    await check.succeeds({ unchanged: { revision: commit('first') } });
    const seen = await models.untilOne('asked', ({ status }) => status?.lastHandledRequest === '1');
    expect(isReady(seen)).toBe(true);

    kubelet.provides('asked', second);
    await world.request('asked', '2');
    const moved = await models.untilOne('asked', serves(second));
    expect(moved.status?.lastHandledRequest).toBe('2');
    expect(changesOf(moved)).toEqual([`${commit('second')} Requested`, `${commit('first')} First`]);
  });

  it('has what failed tried again', async ({ world }) => {
    const { kubelet, models } = world;
    const { inspection, publication } = first;
    kubelet.plays(
      { model: 'urged', task: 'inspect' },
      fails('GatedRepo', 'Ask for access.'),
      reports({ inspection }),
      reports({ unchanged: { revision: inspection.revision } }),
    );
    await world.applyModel('urged');
    await models.untilOne('urged', (model) => reasonOf(model) === 'GatedRepo');
    kubelet.plays({ model: 'urged', task: 'pull' }, fails('InsufficientStorage', 'It is full.'));
    await world.request('urged', 'now that there is access');
    const full = await models.untilOne('urged', (model) => reasonOf(model) === 'InsufficientStorage');
    expect(full.status?.lastHandledRequest).toBe('now that there is access');
    await world.request('urged', 'now that there is room');
    const pull = await kubelet.next({ model: 'urged', task: 'pull' });
    await pull.succeeds({ publication });
    const ready = await models.untilOne('urged', isReady);
    expect(ready.status?.lastHandledRequest).toBe('now that there is room');
  });
});
