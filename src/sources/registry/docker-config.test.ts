import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loginAmong, readDockerConfig } from './docker-config.ts';
import { said, told } from '../testing/said.ts';

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const password = (word: string) => ({ kind: 'password', username: 'ada', password: word });

/** The login for `https://registry.example/team/m`, unless another place is named. */
function chosen(auths: object, endpoint = 'https://registry.example', repository = 'team/m'): unknown {
  try {
    return loginAmong({ auths } as Parameters<typeof loginAmong>[0], endpoint, repository);
  } catch (error) {
    return told(error);
  }
}

describe('the logins of a docker Secret', () => {
  it.each([
    ['registry.example', 'https://registry.example'],
    ['https://registry.example', 'https://registry.example'],
    ['https://registry.example/v2/', 'https://registry.example'],
    ['Registry.example', 'https://registry.example'],
    ['registry.example:5000', 'https://registry.example:5000'],
    ['https://index.docker.io/v1/', 'https://registry-1.docker.io'],
    ['docker.io', 'https://registry-1.docker.io'],
    ['http://registry.example:5000', 'http://registry.example:5000'],
  ])('under %s are for %s', (key, endpoint) => {
    expect(chosen({ [key]: auth('ada:one:two'), other: auth('eve:x') }, endpoint)).toEqual(
      password('one:two'),
    );
  });

  it.each([
    ['registry.example:5000', 'https://registry.example'],
    ['example', 'https://registry.example'],
    ['registry.example', 'http://registry.example'],
    ['registry.example/other', 'https://registry.example'],
    ['registry.example/tea', 'https://registry.example'],
  ])('under %s are not for %s', (key, endpoint) => {
    const wanted = endpoint.replace('https://', '');
    expect(chosen({ [key]: auth('ada:one') }, endpoint)).toBe(
      `CredentialsForAnotherHost: The Secret that spec.credentials names has logins for ${key}, and none for ${wanted}: nothing was sent. Add it to its auths.`,
    );
  });

  it('are chosen by the longest path that fits', () => {
    const auths = {
      'registry.example': auth('ada:all'),
      'registry.example/team': auth('ada:team'),
      'registry.example/team/m/x': auth('ada:deeper'),
    };
    expect(chosen(auths)).toEqual(password('team'));
    expect(chosen(auths, undefined, 'other/m')).toEqual(password('all'));
  });

  it('may be tokens, and words that are not encoded', () => {
    const at = (entry: object) => chosen({ 'registry.example': entry });
    expect(at({ ...auth('ada:'), identitytoken: 'i' })).toEqual({ kind: 'identity', token: 'i' });
    expect(at({ registrytoken: 'r' })).toEqual({ kind: 'token', token: 'r' });
    expect(at({ username: 'ada', password: 'p' })).toEqual(password('p'));
    for (const empty of [{}, auth('ada:'), auth('ada'), { username: 'ada' }]) {
      expect(at(empty)).toMatch(/^CredentialsNotFound: The entry for registry\.example/);
    }
  });
});

describe('a mounted Secret', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'docker-config-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('without logins of registries has none', async () => {
    expect(await readDockerConfig(folder)).toBeUndefined();
  });

  it('is read', async () => {
    const auths = { 'registry.example': auth('ada:one') };
    await writeFile(join(folder, 'dockerconfig.json'), JSON.stringify({ auths, credsStore: 'x' }));
    expect(await readDockerConfig(folder)).toEqual({ auths });
  });

  it.each(['', '{', '[]', '{"auths":{"a":1}}'])('that holds %j is CredentialsNotFound', async (content) => {
    await writeFile(join(folder, 'dockerconfig.json'), content);
    expect(await said(readDockerConfig(folder))).toMatch(/^CredentialsNotFound: .*no `auths`/);
  });
});
