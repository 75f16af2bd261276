import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Model } from '../../src/api/model.ts';
import { jobs } from '../../src/kube/builtin.ts';
import type { Live } from '../../src/kube/kind.ts';
import { tinyGguf } from '../hub/gguf.ts';
import { isReady, readyReason, World } from './world.ts';

const repo = 'longshore/moving-gguf';
const file = 'moving-Q4_K_M.gguf';
const content = (seed: number) => ({ [file]: tinyGguf({ name: 'moving', size: 2 << 20, seed }) });

describe('a Model whose source moves', () => {
  let world: World;
  /** Commits, the oldest first. */
  const commits: string[] = [];
  beforeAll(async () => {
    world = await World.start();
    commits.push(await world.hub.addRepo({ id: repo, files: content(1) }));
    commits.push(await world.hub.updateRepo(repo, { files: content(2) }));
    commits.push(await world.hub.updateRepo(repo, { files: content(3) }));
    // The interval of this one passes while the others are looked at.
    await world.applyModel('following', { huggingFace: { repo } }, following);
    await ready('following', commits[2]);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const following = { update: { policy: 'OnChange', interval: '1m', keepRevisions: 2 } };
  const ready = (name: string, revision?: string): Promise<Live<Model>> =>
    world.model(name, (model) => isReady(model) && model.status?.artifact?.revision === revision);
  const at = (name: string, revision: string | undefined, spec: Record<string, unknown>) =>
    world.applyModel(name, { huggingFace: { repo, revision } }, spec).then(() => ready(name, revision));
  /** Requests for content: one for the header, and one or more for a download. */
  const toCdn = (): number => world.hub.requests.filter(({ origin }) => origin === 'cdn').length;
  const pulls = async (name: string): Promise<number> => {
    const labelSelector = `longshore.dev/model=${name},longshore.dev/task=pull`;
    return (await world.client.list(jobs, { namespace: world.namespace, labelSelector })).items.length;
  };

  it('goes back to a revision that is kept without a byte and without a pull', async () => {
    const update = { keepRevisions: 2 };
    const one = await at('edited', commits[0], { update });
    const two = await at('edited', commits[1], { update });
    expect(two.status?.artifact?.claimName).not.toBe(one.status?.artifact?.claimName);
    const before = toCdn();
    expect(before).toBeGreaterThanOrEqual(4);
    const back = await at('edited', commits[0], { update });
    expect(back.status?.artifact).toEqual(one.status?.artifact);
    expect(toCdn()).toBe(before + 1);
    // The Jobs of earlier revisions are gone, and no other was made.
    expect(await pulls('edited')).toBeLessThanOrEqual(1);
    expect(back.status?.history?.map(({ revision }) => revision)).toEqual([
      commits[0],
      commits[1],
      commits[0],
    ]);
  });

  it('keeps earlier revisions on a shared claim, and has the others removed from it', async () => {
    await world.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'shared' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const spec = { storage: { claimName: 'shared' }, update: { keepRevisions: 2 } };
    const [one, two] = [await at('sharing', commits[0], spec), await at('sharing', commits[1], spec)];
    expect((await at('sharing', commits[0], spec)).status?.artifact).toEqual(one.status?.artifact);
    await at('sharing', commits[2], spec);
    await world.model('sharing', ({ status }) => status?.storage?.replaced?.length === 1);
    /** Every byte of the files is read again. */
    const verified = async (name: string, { status }: Live<Model>, reason: string) => {
      const { path, files = [] } = status?.artifact ?? {};
      const volume = { claimName: 'shared', path, files: files.map((each) => each.path) };
      await world.applyModel(name, { volume });
      return world.model(name, (model) => readyReason(model) === reason);
    };
    const kept = await verified('kept', one, 'Ready');
    expect(kept.status?.artifact?.digest).toBe(one.status?.artifact?.digest);
    await verified('removed', two, 'FileNotFound');
  });

  it('is asked by annotation, by one request where nothing has changed', async () => {
    const before = world.hub.requests.length;
    const first = await world.model('following', isReady);
    await world.kubectl(['annotate', 'model', 'following', 'longshore.dev/requested-at=now']);
    const asked = await world.model('following', ({ status }) => status?.lastHandledRequest === 'now');
    expect(asked.status?.artifact).toEqual(first.status?.artifact);
    const sent = world.hub.requests.slice(before);
    // Its interval may have been over as well.
    expect(sent.length).toBeGreaterThanOrEqual(1);
    expect(sent.length).toBeLessThanOrEqual(2);
    expect(new Set(sent.map(({ origin }) => origin))).toEqual(new Set(['hub']));
  });

  it('follows its branch on the interval, and back', async () => {
    const first = await world.model('following', isReady);
    const moved = await world.hub.updateRepo(repo, { files: content(4) });
    const second = await ready('following', moved);
    expect(second.status?.history?.map(({ change }) => change)).toEqual(['SourceMoved', 'First']);
    const before = toCdn();
    await world.applyModel('following', { huggingFace: { repo, revision: commits[2] } }, following);
    const back = await ready('following', commits[2]);
    expect(back.status?.artifact).toEqual(first.status?.artifact);
    expect(toCdn()).toBe(before + 1);
  });
});
