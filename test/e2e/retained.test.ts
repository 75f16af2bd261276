import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/controllers/kinds.ts';
import { forceDeleteAnnotation } from '../../src/controllers/labels.ts';
import { jobs, persistentVolumeClaims } from '../../src/kube/builtin.ts';
import { standard } from '../hub/content.ts';
import { isReady, World } from './world.ts';

describe('a Model that is deleted and applied again', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const source = { huggingFace: { repo: standard.twoQuants.repo, quantization: 'Q8_0' } };
  const remove = async (name: string): Promise<void> => {
    await world.kubectl(['delete', 'model', name]);
    await world.gone(models, name);
  };
  /** Requests for content: one for the header, and one or more for a download. */
  const toCdn = (): number => world.hub.requests.filter(({ origin }) => origin === 'cdn').length;

  it('takes the claim over that it retained, and is Ready without a download', async () => {
    const storage = { reclaimPolicy: 'Retain' };
    await world.applyModel('kept', source, { storage });
    const first = await world.model('kept', isReady);
    expect(first.status?.storage?.reclaimPolicy).toBe('Retain');
    const { claimName = '', claimUid } = first.status?.artifact ?? {};
    await remove('kept');
    const { items } = await world.client.list(jobs, { namespace: world.namespace });
    for (const job of items) await world.gone(jobs, job.metadata.name);
    const listed = ['get', 'pvc', '-l', 'longshore.dev/reclaim-policy=Retain', '-o', 'name'];
    expect(await world.kubectl(listed)).toBe(`persistentvolumeclaim/${claimName}\n`);

    const before = toCdn();
    expect(before).toBeGreaterThan(1);
    await world.applyModel('kept', source, { storage: { reclaimPolicy: 'Delete' } });
    const second = await world.model('kept', isReady);
    expect(second.status?.artifact).toMatchObject({ claimName, claimUid });
    expect(second.status?.artifact?.digest).toBe(first.status?.artifact?.digest);
    expect(toCdn()).toBe(before + 1);

    // It is the second one's now, whose policy is another.
    await remove('kept');
    await world.gone(persistentVolumeClaims, claimName);
  });

  it('is Ready without a download on a claim that somebody else has filled, handed over or named', async () => {
    // What stands for a restored snapshot: a claim with the files, of which nothing is known.
    await world.applyModel('origin', source, { storage: { reclaimPolicy: 'Retain' } });
    const { claimName = '', digest } = (await world.model('origin', isReady)).status?.artifact ?? {};
    await remove('origin');
    const strip = ['longshore.dev/content-', 'longshore.dev/model-uid-'];
    await world.kubectl(['annotate', 'pvc', claimName, 'longshore.dev/published-', 'longshore.dev/applied-']);
    await world.kubectl(['label', 'pvc', claimName, '--overwrite', 'longshore.dev/model=copy', ...strip]);
    const before = toCdn();
    await world.applyModel('copy', source, { storage: { reclaimPolicy: 'Retain' } });
    const copy = await world.model('copy', isReady);
    expect(copy.status?.artifact).toMatchObject({ claimName, digest });
    expect(toCdn()).toBe(before + 1);
    await remove('copy');

    await world.kubectl(['label', 'pvc', claimName, 'app.kubernetes.io/managed-by-']);
    await world.applyModel('named', source, { storage: { claimName } });
    const named = await world.model('named', isReady);
    expect(named.status?.artifact).toMatchObject({ claimName, digest });
    expect(toCdn()).toBe(before + 2);
  });

  it('gets another claim while a server holds the first one, and the server moves over', async () => {
    await world.applyModel('held', { huggingFace: { repo: standard.gemma.repo } });
    const first = await world.model('held', isReady);
    await world.applyServer('held', { modelRef: { name: 'held' }, runtime: { contextSize: 512 } });
    await world.server('held', isReady);
    await world.kubectl(['annotate', 'model', 'held', `${forceDeleteAnnotation}=true`]);
    await remove('held');
    await world.applyModel('held', { huggingFace: { repo: standard.gemma.repo } });
    const second = await world.model('held', isReady);
    const { claimName } = second.status?.artifact ?? {};
    expect(claimName).not.toBe(first.status?.artifact?.claimName);
    await world.server('held', (server) => isReady(server) && server.status?.model?.claimName === claimName);
    await world.gone(persistentVolumeClaims, first.status?.artifact?.claimName ?? '');
  });
});
