import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openAccessKeys } from './access.ts';

const hash = (key: string): string => createHash('sha256').update(key).digest('hex');

/** Keys in a folder, a clock in the hands of the test, and what was logged. */
async function keysIn(files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'access-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const write = async (more: Record<string, string>): Promise<void> => {
    for (const [name, text] of Object.entries(more)) await writeFile(join(folder, name), text);
  };
  await write(files);
  const logged: string[] = [];
  const say = (fields: object): void => void logged.push(JSON.stringify(fields));
  const log = { debug: say, info: say, warn: say, error: say };
  let now = 0;
  const keys = await openAccessKeys(folder, log, () => now);
  return { keys, write, logged, folder, wait: (ms: number) => (now += ms) };
}

describe('API keys of a gateway', () => {
  it('are known by the file that has their hash, with their scopes', async () => {
    const { keys } = await keysIn({
      alice: `${hash('a')} infer,read\n# laptop\n${hash('b')}   manage\n\n`,
      ci: hash('c').toUpperCase() + ' infer',
    });
    expect(await keys.callerOf('a')).toEqual({ name: 'alice', scopes: ['infer', 'read'] });
    expect(await keys.callerOf('b')).toEqual({ name: 'alice', scopes: ['manage'] });
    expect(await keys.callerOf('c')).toEqual({ name: 'ci', scopes: ['infer'] });
    expect(await keys.callerOf(hash('a'))).toBeUndefined();
    expect(await keys.callerOf('')).toBeUndefined();
  });

  it('are followed while they change', async () => {
    const { keys, write, wait } = await keysIn({ alice: `${hash('old')} infer` });
    await write({ alice: `${hash('new')} manage` });
    wait(999);
    expect(await keys.callerOf('old')).toBeDefined();
    wait(1);
    expect(await keys.callerOf('old')).toBeUndefined();
    expect(await keys.callerOf('new')).toEqual({ name: 'alice', scopes: ['manage'] });
  });

  it('let nobody in when there are none left', async () => {
    const { keys, folder, wait, logged } = await keysIn({ alice: `${hash('a')} infer` });
    await rm(join(folder, 'alice'));
    wait(1000);
    expect(await keys.callerOf('a')).toBeUndefined();
    expect(logged.join()).toContain('holds no key');
  });

  it.each([
    ['a key in place of its hash', 'sk-secret infer'],
    ['no scope', hash('a')],
    ['a scope that there is not', `${hash('a')} infer,admin`],
    ['a hash that is cut off', `${hash('a').slice(1)} infer`],
  ])('that are wrong are told by file and line, and let nobody in: %s', async (_, line) => {
    const { keys, logged } = await keysIn({ alice: `\n${line}`, bob: `${hash('b')} read` });
    expect(await keys.callerOf('a')).toBeUndefined();
    expect(await keys.callerOf('b')).toBeDefined();
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('line 2 of alice');
    expect(logged[0]).not.toContain('sk-secret');
  });
});
