import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NoApiKeys, openApiKeys } from './api-keys.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'api-keys-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A Secret as the kubelet mounts it: the files are links into a version, and that is changed at once. */
async function mount(version: string, secret: Record<string, string>): Promise<void> {
  await mkdir(join(folder, `..${version}`));
  for (const [name, value] of Object.entries(secret)) {
    await writeFile(join(folder, `..${version}`, name), value);
    await symlink(join('..data', name), join(folder, name)).catch(() => undefined);
  }
  await symlink(`..${version}`, join(folder, '..new'));
  await rename(join(folder, '..new'), join(folder, '..data'));
}

async function opened(path = folder) {
  let time = 0;
  const keys = await openApiKeys(path, () => time);
  return {
    accepted: async (...given: string[]) => Promise.all(given.map((one) => keys.accepts(one))),
    pass: (milliseconds: number) => (time += milliseconds),
  };
}

describe('API keys', () => {
  it('are the lines of the files of a folder', async () => {
    await mount('1', { ann: 'key-of-ann\n', team: '  one\r\n\ntwo' });
    const { accepted } = await opened();
    expect(await accepted('key-of-ann', 'one', 'two')).toEqual([true, true, true]);
    expect(await accepted('', 'key-of-an', 'key-of-ann ', 'three', 'one\ntwo')).toEqual(Array(5).fill(false));
  });

  it('are the lines of a file', async () => {
    await writeFile(join(folder, 'keys'), 'one\ntwo\n');
    const { accepted } = await opened(join(folder, 'keys'));
    expect(await accepted('one', 'two', 'three')).toEqual([true, true, false]);
  });

  it('are read again when they have changed', async () => {
    await mount('1', { ann: 'old', ben: 'kept' });
    const { accepted, pass } = await opened();
    await mount('2', { ann: 'new', ben: 'kept' });
    expect(await accepted('old', 'new', 'kept')).toEqual([true, false, true]);
    pass(1000);
    expect(await accepted('old', 'new', 'kept')).toEqual([false, true, true]);
  });

  it('are valid no more when they are gone, and again when they are back', async () => {
    await mount('1', { ann: 'key' });
    const { accepted, pass } = await opened();
    await rm(join(folder, '..data'));
    pass(1000);
    expect(await accepted('key')).toEqual([false]);
    await mount('2', { ann: 'key' });
    pass(1000);
    expect(await accepted('key')).toEqual([true]);
  });

  it('have to be there', async () => {
    await expect(openApiKeys(folder, () => 0)).rejects.toThrow(NoApiKeys);
    await expect(openApiKeys(join(folder, 'none'), () => 0)).rejects.toThrow('none holds no API key');
    await mount('1', { ann: ' \n' });
    await expect(openApiKeys(folder, () => 0)).rejects.toThrow(NoApiKeys);
  });
});
