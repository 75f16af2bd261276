import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { jobs } from './builtin.ts';
import { connect, type KubeClient } from './client.ts';
import { ScriptedApi } from './testing/scripted-api.ts';

let api: ScriptedApi;
let client: KubeClient | undefined;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  api = new ScriptedApi();
  await api.listen();
});
afterEach(async () => {
  vi.useRealTimers();
  await client?.close();
  await api.close();
});

/** How often the KubeConfig was asked. */
function connectAs(user: object): () => number {
  const config: KubeConfig = api.kubeConfig(user);
  const asked = vi.spyOn(config, 'applyToHTTPSOptions');
  client = connect(config, { fieldManager: 'tester' });
  return () => asked.mock.calls.length;
}

/** What one request was sent with. */
async function authorization(status = 200): Promise<string | undefined> {
  const got = client?.get(jobs, { namespace: 'default', name: 'pull' });
  const request = await api.requests.next();
  request.answer(status, {});
  await got?.catch(() => {});
  return request.headers.authorization;
}

describe('credentials', () => {
  it('take up a token that was rotated, within a minute or so', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'token-'));
    const tokenFile = join(folder, 'token');
    await writeFile(tokenFile, 'first\n');
    connectAs({ authProvider: { name: 'tokenFile', config: { tokenFile } } });
    expect(await authorization()).toBe('Bearer first');
    await writeFile(tokenFile, 'second\n');
    vi.advanceTimersByTime(61_000);
    expect(await authorization()).toBe('Bearer second');
    await rm(folder, { recursive: true });
  });

  it('are looked up every five seconds, however many requests there are', async () => {
    const asked = connectAs({ token: 't' });
    await Promise.all([authorization(), authorization(), authorization()]);
    vi.advanceTimersByTime(4999);
    await authorization();
    expect(asked()).toBe(1);
    vi.advanceTimersByTime(1);
    await authorization();
    expect(asked()).toBe(2);
  });

  it('are looked up again once they were not accepted, or could not be had', async () => {
    const user = { token: 'old' };
    const config = api.kubeConfig(user);
    client = connect(config, { fieldManager: 'tester' });
    expect(await authorization(401)).toBe('Bearer old');
    Object.assign(config.getCurrentUser() ?? {}, { token: 'new' });
    expect(await authorization(403)).toBe('Bearer new');

    vi.advanceTimersByTime(5000);
    const broken = vi.spyOn(config, 'applyToHTTPSOptions').mockRejectedValue(new Error('no file'));
    const got = client.get(jobs, { namespace: 'default', name: 'pull' });
    await expect(got).rejects.toMatchObject({
      status: 0,
      message: expect.stringContaining('no file') as string,
    });
    broken.mockRestore();
    expect(await authorization()).toBe('Bearer new');
  });

  it('may be a user name and a password', async () => {
    connectAs({ username: 'me', password: 'secret' });
    expect(await authorization()).toBe(`Basic ${btoa('me:secret')}`);
  });
});
