import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withCredentials } from './proxy-credentials.ts';
import { parseProxy, proxyFor, type Proxies } from './proxy.ts';
import { said } from '../testing/said.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('the address of a proxy', () => {
  it.each([
    ['http://proxy.internal:3128', { origin: 'http://proxy.internal:3128' }],
    ['http://proxy.internal:80/', { origin: 'http://proxy.internal' }],
    ['https://proxy.internal', { origin: 'https://proxy.internal' }],
    ['proxy.internal:3128', { origin: 'http://proxy.internal:3128' }],
    ['http://[::1]:3128', { origin: 'http://[::1]:3128' }],
    [
      'http://me:p%40ss@proxy.internal:3128',
      { origin: 'http://proxy.internal:3128', authorization: `Basic ${base64('me:p@ss')}` },
    ],
  ])('may be %s', (text, proxy) => {
    expect(parseProxy(text)).toEqual(proxy);
  });

  it.each(['socks5://me:secret@proxy.internal', 'http://', 'http://me:secret@', 'file:///secret'])(
    'cannot be %s, and that is said without repeating it',
    (text) => {
      expect(() => parseProxy(text)).toThrow(/^(?!.*secret).*HTTP proxy/);
    },
  );
});

it('a proxy is for its scheme only', () => {
  const proxies = { https: parseProxy('a:1'), noProxy: '.svc' };
  const choose = (url: string) => proxyFor(proxies)(new URL(url))?.origin;
  expect(choose('https://hub.test')).toBe('http://a:1');
  expect(choose('http://hub.test')).toBeUndefined();
  expect(choose('https://hub.models.svc')).toBeUndefined();
});

describe('the Secret of a proxy', () => {
  const proxies: Proxies = {
    https: { origin: 'http://proxy.internal:3128' },
    http: { origin: 'http://other.internal:3128' },
    noProxy: '',
  };
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'proxy-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function read(keys: Record<string, string>, required = true): Promise<Proxies> {
    for (const [key, value] of Object.entries(keys)) await writeFile(join(folder, key), value);
    return withCredentials(proxies, folder, { name: 'Secret proxy-user', required });
  }
  const user = { username: 'me\n', password: 's€cret\n' };

  it('gives its password to the proxy that it names, and to no other', async () => {
    expect(await read({ ...user, host: 'http://proxy.internal:3128' })).toEqual({
      https: { origin: 'http://proxy.internal:3128', authorization: `Basic ${base64('me:s€cret')}` },
      http: { origin: 'http://other.internal:3128' },
      noProxy: '',
    });
  });

  it.each([
    [
      'another proxy',
      'http://proxy.elsewhere:3128',
      /is for http:\/\/proxy\.elsewhere:3128, and .* was not sent/,
    ],
    ['the same one over https', 'proxy.internal:3128', /is for https:\/\/proxy\.internal:3128/],
    ['no proxy', '', /names no proxy: it was not sent.*"host" to http:\/\/proxy\.internal:3128\.$/],
    ['what is no address', 'http://', /names no proxy/],
  ])('that names %s is not used', async (_what, host, told) => {
    expect(await said(read({ ...user, host }))).toMatch(/^CredentialsForAnotherHost: /);
    expect(await said(read({ ...user, host }))).toMatch(told);
  });

  it.each([
    ['is not there', {}],
    ['has no password', { username: 'me', host: 'http://proxy.internal:3128' }],
    ['has no user', { password: 'x', host: 'http://proxy.internal:3128' }],
  ])('that %s is an error where the Model names it', async (_what, keys) => {
    expect(await said(read(keys))).toMatch(
      /^CredentialsNotFound: Secret proxy-user, which spec\.puller\.proxy names/,
    );
  });

  it('that only the operator names may be missing; a proxy that asks for it has that told', async () => {
    const { https } = await read({}, false);
    expect(https?.hint).toMatch(
      /^Secret proxy-user, which the operator's setting puller\.proxy names, is not in/,
    );
    expect(https?.authorization).toBeUndefined();
  });
});
