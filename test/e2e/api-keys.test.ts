import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pods } from '../../src/kube/builtin.ts';
import { waitFor } from '../cluster/commands.ts';
import { standard } from '../hub/content.ts';
import { release, systemNamespace } from '../stack/stack.ts';
import { isReady, readyReason, World } from './world.ts';

/** Of the chart. */
const operator = `system:serviceaccount:${systemNamespace}:${release}-operator`;
const secret = 'server-keys';

describe('a server with API keys', () => {
  let world: World;
  let url: string;

  const statusFor = async (key?: string): Promise<number> => {
    const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
    return (await fetch(`${url}/v1/models`, { headers })).status;
  };
  const podsOfServer = async () =>
    (await world.client.list(pods, { namespace: world.namespace })).items
      .filter(({ metadata }) => metadata.labels?.['longshore.dev/server'] === 'locked')
      .map(({ metadata, status }) => [metadata.uid, status?.containerStatuses?.[0]?.restartCount]);
  /**
   * Resolves when the server answers so. The kubelet brings a Secret to a pod when it looks at the pod, once a minute or
   * when the pod changes; an annotation is such a change.
   */
  const answersAfterRotation = async (key: string, status: number): Promise<void> => {
    let looked = 0;
    await waitFor(
      `${key} to be answered with ${status}`,
      async () => {
        const mark = `tests/looked=${++looked}`;
        await world.kubectl(['annotate', 'pods', '-l', 'longshore.dev/server=locked', '--overwrite', mark]);
        return (await statusFor(key)) === status || undefined;
      },
      { timeout: 60_000, every: 500 },
    );
  };

  beforeAll(async () => {
    world = await World.start();
    await world.applyModel('gemma', { huggingFace: { repo: standard.gemma.repo, quantization: 'Q4_K_M' } });
    await world.applyServer('locked', {
      modelRef: { name: 'gemma' },
      gpu: { count: 0 },
      runtime: { contextSize: 256 },
      auth: { secretName: secret },
    });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  it('says that there are none, and starts by itself when there are', async () => {
    await world.server('locked', (server) => readyReason(server) === 'ApiKeysNotFound');
    await world.applySecret(secret, { ann: 'key-of-ann', others: 'key-of-ben\nkey-of-eve\n' });
    await world.server('locked', isReady);
    url = await world.reach('locked');
  });

  it('answers only who has one', async () => {
    expect(await statusFor()).toBe(401);
    expect(await statusFor('key-of-anna')).toBe(401);
    for (const key of ['key-of-ann', 'key-of-ben', 'key-of-eve']) expect(await statusFor(key)).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    const response = await fetch(`${url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer key-of-ann' },
      body: JSON.stringify({ prompt: '1, 2, 3, 4,', max_tokens: 6, temperature: 0 }),
    });
    expect(await response.json()).toMatchObject({ choices: [{ text: ' 5, 6,' }] });
  });

  it('follows a key that is changed, and one that is taken away, without a restart', async () => {
    const before = await podsOfServer();
    await world.applySecret(secret, { ann: 'new-key-of-ann', others: 'key-of-ben' });
    // Each by itself: the server may read one value before the kubelet has brought the new ones, and another after.
    await answersAfterRotation('new-key-of-ann', 200);
    await answersAfterRotation('key-of-ann', 401);
    await answersAfterRotation('key-of-eve', 401);
    await answersAfterRotation('key-of-ben', 200);
    await world.kubectl(['delete', 'secret', secret]);
    await answersAfterRotation('new-key-of-ann', 401);
    await answersAfterRotation('key-of-ben', 401);
    expect(await podsOfServer()).toEqual(before);
  });

  it('has an operator that may not read the keys', async () => {
    const granted = await world.kubectl(['auth', 'can-i', '--list', `--as=${operator}`]);
    expect(granted).toContain('modelservers.longshore.dev');
    expect(granted).not.toMatch(/secrets|^\*/m);
  });
});
