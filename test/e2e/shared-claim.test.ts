import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { models } from '../../src/controllers/kinds.ts';
import { events } from '../../src/kube/builtin.ts';
import { waitFor } from '../cluster/commands.ts';
import { standard } from '../hub/content.ts';
import { isReady, readyReason, World } from './world.ts';

describe('Models on one claim', () => {
  let world: World;
  beforeAll(async () => {
    world = await World.start();
    await world.apply({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'shared' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const quantized = (quantization: string) => ({
    huggingFace: { repo: standard.twoQuants.repo, quantization },
  });
  const storage = { claimName: 'shared' };
  /** Requests for content: one for the header, and one or more for a download. */
  const toCdn = (): number => world.hub.requests.filter(({ origin }) => origin === 'cdn').length;
  const ready = async (name: string) => (await world.model(name, isReady)).status?.artifact;
  /** What the claim tells of the files that a Model has left. */
  const collected = async (name: string): Promise<string> => {
    await world.kubectl(['delete', 'model', name]);
    await world.gone(models, name);
    return waitFor(
      `the files of ${name} to be collected`,
      async () => {
        const { items } = await world.client.list(events, { namespace: world.namespace });
        return items.find(({ reason, note }) => reason === 'Collected' && note?.includes(`"${name}"`))?.note;
      },
      { timeout: 120_000, every: 200 },
    );
  };

  it('have what is equal fetched and stored once', async () => {
    await world.applyModel('one', quantized('Q8_0'), { storage });
    const one = await ready('one');
    const before = toCdn();
    await world.applyModel('two', quantized('Q8_0'), { storage });
    const two = await ready('two');
    expect(two).toMatchObject({ claimName: 'shared', digest: one?.digest });
    expect(toCdn()).toBe(before + 1);
    await world.applyModel('other', quantized('Q4_K_M'), { storage });
    expect((await ready('other'))?.digest).not.toBe(one?.digest);
  });

  it('leave what others have there, and nothing else', async () => {
    const [kept, other] = [await ready('two'), await ready('other')];
    /** Files of an artifact, by themselves: whoever asks for them has every byte read again. */
    const inPlace = (artifact: typeof kept) => ({
      volume: { claimName: 'shared', path: artifact?.path, files: artifact?.files.map(({ path }) => path) },
    });
    expect(await collected('one')).toContain('Removed 0 files');
    await world.applyModel('again', inPlace(kept));
    expect((await ready('again'))?.digest).toBe(kept?.digest);
    await world.kubectl(['delete', 'model', 'again']);

    expect(await collected('two')).toMatch(/Removed [1-9]\d* files?/);
    await world.applyModel('still', inPlace(other));
    expect((await ready('still'))?.digest).toBe(other?.digest);
    await world.applyModel('lost', inPlace(kept));
    const lost = await world.model('lost', (model) => readyReason(model) === 'FileNotFound');
    expect(lost.status?.artifact).toBeUndefined();
  });
});
