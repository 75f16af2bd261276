import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Authority } from '../../test/hub/authority.ts';
import { standard, standardRepos, testToken } from '../../test/hub/content.ts';
import { startHub, type Hub } from '../../test/hub/hub.ts';
import { startProxy, type Proxy } from '../../test/hub/proxy.ts';
import { aPlace, type Puller, type PullerPlace } from './testing/process.ts';

// Every test starts processes, and a loaded machine is slow at that.
vi.setConfig({ testTimeout: 60_000 });

/** A hub over https whose names nobody but the proxy knows, and that no public authority vouches for. */
const user = { name: 'puller', password: 'secret-of-proxy' };
const host = 'hub.test';
let authority: Authority;
let hub: Hub;
let proxy: Proxy;
let place: PullerPlace;

beforeAll(async () => {
  authority = await Authority.create();
  const tls = await authority.issue([`DNS:${host}`, 'DNS:cdn.test', 'IP:127.0.0.1']);
  hub = await startHub({
    repos: standardRepos(),
    tokens: [testToken],
    tls,
    publicHost: host,
    cdnHost: 'cdn.test',
  });
  proxy = await startProxy({ user });
});
afterAll(async () => {
  await Promise.all([hub.close(), proxy.close()]);
  await authority[Symbol.asyncDispose]();
});
beforeEach(async () => {
  place = await aPlace();
  hub.requests.length = 0;
  proxy.requests.length = 0;
  proxy.headers.length = 0;
});
afterEach(() => place.clear());

const caBundle = { name: 'ConfigMap company-ca (key ca.crt)', required: true };
const proxyCredentials = { name: 'Secret proxy-user', required: true };

function start(command: string, request: object = {}, env: object = {}): Puller {
  const { repo } = standard.gated;
  const huggingFace = { repo, revision: 'main', endpoint: hub.url };
  return place.start(
    command,
    { source: { huggingFace }, credentials: true, caBundle, proxyCredentials, ...request },
    { HTTPS_PROXY: proxy.url, HTTP_PROXY: '', NO_PROXY: 'example.com,10.0.0.0/8', ...env },
  );
}

async function giveAll(): Promise<void> {
  await place.giveToken(testToken, new URL(hub.url).host);
  await place.giveAuthorities(authority.certificate);
  await place.giveProxyUser({ username: user.name, password: user.password, host: proxy.url });
}

describe('a puller behind a proxy, of a hub with a private authority', () => {
  it('inspects and pulls, and neither secret gets to where it is not meant for, nor into a log', async () => {
    await giveAll();
    for (const command of ['inspect', 'pull']) {
      const puller = start(command);
      expect(await puller.ended()).toMatchObject({ code: 0 });
      expect(puller.log()).not.toContain(testToken);
      expect(puller.log()).not.toContain(user.password);
    }
    const hosts = new Set(proxy.requests.map((request) => request.replace(/:\d+$/, '')));
    expect(hosts).toEqual(new Set([`CONNECT ${host}`, 'CONNECT cdn.test']));
    expect(JSON.stringify(proxy.headers)).not.toContain(testToken);
    const withToken = hub.requests.filter(({ authorization }) => authorization !== undefined);
    expect(new Set(withToken.map(({ origin }) => origin))).toEqual(new Set(['hub']));
  });

  it('says that it needs the authority, and is not to be tried again', async () => {
    await giveAll();
    const { code, report } = await start('inspect', { caBundle: undefined }).ended();
    expect({ code, report }).toMatchObject({
      code: 2,
      report: {
        failure: {
          reason: 'CertificateNotTrusted',
          message: expect.stringContaining('spec.puller.caBundle') as string,
        },
      },
    });
    expect(hub.requests).toEqual([]);
  });

  it.each([
    ['CABundleNotFound', { proxyCredentials: undefined }, 'ConfigMap company-ca'],
    ['CredentialsNotFound', { caBundle: undefined }, 'Secret proxy-user'],
  ])('says %s when something that the Model names is not there', async (reason, request, named) => {
    await place.giveToken(testToken, new URL(hub.url).host);
    const { code, report } = await start('inspect', request).ended();
    expect({ code, report }).toMatchObject({
      code: 2,
      report: { failure: { reason, message: expect.stringContaining(named) as string } },
    });
    expect(proxy.requests).toEqual([]);
  });

  it('goes on without what only the operator names, and says what is missing where it matters', async () => {
    await place.giveToken(testToken, new URL(hub.url).host);
    const optional = { ...proxyCredentials, required: false };
    const refused = await start('inspect', {
      proxyCredentials: optional,
      caBundle: { ...caBundle, required: false },
    }).ended();
    expect(refused).toMatchObject({
      code: 2,
      report: {
        failure: { reason: 'ProxyRefused', message: expect.stringContaining('Secret proxy-user') as string },
      },
    });
  });

  it('does not start with what is no proxy, and does not repeat it', async () => {
    const puller = start('inspect', {}, { HTTPS_PROXY: 'socks5://me:secret@proxy.internal' });
    const { code, report } = await puller.ended();
    expect({ code, report }).toMatchObject({ code: 2, report: { failure: { reason: 'PullerFailed' } } });
    expect(JSON.stringify(report)).toContain('HTTPS_PROXY');
    expect(puller.log() + JSON.stringify(report)).not.toContain('secret');
  });
});
