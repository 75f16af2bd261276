import type { LookupFunction } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../../test/hub/authority.ts';
import { createOrigin, listen, stop, type Identity } from '../../../test/hub/origin.ts';
import { answer, type RecordedRequest } from '../../../test/hub/exchange.ts';
import { startProxy, type Proxy, type ProxyOptions } from '../../../test/hub/proxy.ts';
import { createSend, type ConnectionOptions } from './connections.ts';

const name = 'hub.test';
const closing: (() => Promise<void>)[] = [];
let authority: Authority;
let identity: Identity;
let ofProxy: Identity;

beforeAll(async () => {
  authority = await Authority.create();
  [identity, ofProxy] = await Promise.all([
    authority.issue([`DNS:${name}`]),
    authority.issue(['IP:127.0.0.1']),
  ]);
});
afterAll(() => authority[Symbol.asyncDispose]());
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Place {
  readonly port: number;
  readonly requests: RecordedRequest[];
  readonly headers: object[];
}

async function anOrigin(tls?: Identity): Promise<Place> {
  const requests: RecordedRequest[] = [];
  const headers: object[] = [];
  const server = createOrigin(
    'hub',
    { requests, log: () => {}, recover: () => {}, tls },
    async (exchange) => {
      headers.push(exchange.request.headers);
      answer(exchange, 200, {}, 'here');
    },
  );
  const port = await listen(server, '127.0.0.1', 0);
  closing.push(() => stop(server));
  return { port, requests, headers };
}

async function aProxy(options?: ProxyOptions): Promise<Proxy> {
  const proxy = await startProxy(options);
  closing.push(() => proxy.close());
  return proxy;
}

async function get(url: string, options: Partial<ConnectionOptions> = {}): Promise<string> {
  const send = createSend({ stallMs: 5_000, certificates: [authority.certificate], ...options });
  const headers = { authorization: 'Bearer token-of-hub' };
  const { statusCode, body } = await send(new URL(url), { headers, signal: null });
  return `${statusCode} ${await body.text()}`;
}

describe('a request through a proxy', () => {
  it.each([
    ['http', undefined],
    ['https', () => ofProxy],
  ])('that is asked over %s opens a tunnel for https', async (_scheme, tlsOf) => {
    const origin = await anOrigin(identity);
    const tls = tlsOf?.();
    const proxy = await aProxy(tls && { tls });
    const https = { origin: proxy.url, authorization: 'Basic secret-of-proxy' };
    // The name is known to nobody but the proxy.
    const url = `https://${name}:${origin.port}`;
    expect(await get(`${url}/x?y`, { proxies: { https, noProxy: '' } })).toBe('200 here');
    expect(proxy.requests).toEqual([`CONNECT ${name}:${origin.port}`]);
    expect(origin.requests).toMatchObject([{ path: '/x?y', authorization: 'Bearer token-of-hub' }]);
    expect(proxy.headers[0]).toMatchObject({ 'proxy-authorization': 'Basic secret-of-proxy' });
    expect(JSON.stringify(proxy.headers)).not.toContain('token-of-hub');
    expect(JSON.stringify(origin.headers)).not.toContain('secret-of-proxy');
  });

  it.each([
    ['http', undefined],
    ['https', () => ofProxy],
  ])('that is asked over %s names the whole address for http', async (_scheme, tlsOf) => {
    const origin = await anOrigin();
    const tls = tlsOf?.();
    const proxy = await aProxy(tls && { tls });
    const http = { origin: proxy.url, authorization: 'Basic secret-of-proxy' };
    const url = `http://${name}:${origin.port}/x?y`;
    expect(await get(url, { proxies: { http, noProxy: '' } })).toBe('200 here');
    expect(proxy.requests).toEqual([`GET ${url}`]);
    expect(proxy.headers[0]).toMatchObject({ host: `${name}:${origin.port}` });
    expect(origin.requests).toMatchObject([{ path: '/x?y' }]);
  });

  it('uses that of its scheme, and none where NO_PROXY has the host', async () => {
    const origin = await anOrigin();
    const proxy = await aProxy();
    const lookup = pointingTo(['127.0.0.1']);
    const https = { origin: proxy.url };
    const url = `http://${name}:${origin.port}`;
    expect(await get(url, { lookup, proxies: { https, noProxy: '' } })).toBe('200 here');
    const http = https;
    expect(await get(url, { lookup, proxies: { http, noProxy: '.org,hub.test' } })).toBe('200 here');
    expect(proxy.requests).toEqual([]);
  });

  it('keeps its tunnel for the next one', async () => {
    const origin = await anOrigin(identity);
    const proxy = await aProxy();
    const https = { origin: proxy.url };
    const send = createSend({
      stallMs: 5_000,
      certificates: [authority.certificate],
      proxies: { https, noProxy: '' },
    });
    for (let i = 0; i < 10; i++) {
      const { body } = await send(new URL(`https://${name}:${origin.port}`), { headers: {}, signal: null });
      await body.text();
    }
    // The first may still be about to end when the second begins.
    expect(proxy.requests.length).toBeLessThanOrEqual(2);
  });

  it.each(['http', 'https'])(
    'does not wait longer for one that says nothing than for others (%s)',
    async (scheme) => {
      const proxy = await aProxy({ silent: true });
      const way = { origin: proxy.url };
      const proxies = { http: way, https: way, noProxy: '' };
      const failed = get(`${scheme}://${name}`, { stallMs: 200, proxies });
      await expect(failed).rejects.toMatchObject({ name: 'ProxyError', proxy: proxy.url, status: undefined });
    },
  );

  it('fails with what the proxy answered, and never with the password', async () => {
    const proxy = await aProxy({ refuse: () => 403 });
    const https = { origin: proxy.url, authorization: 'Basic secret-of-proxy' };
    const error: unknown = await get(`https://${name}`, { proxies: { https, noProxy: '' } }).catch(
      (error: unknown) => error,
    );
    expect(error).toMatchObject({ name: 'ProxyError', status: 403, hadPassword: true });
    expect(JSON.stringify(error)).not.toContain('secret-of-proxy');
  });
});

it('authorities of a bundle are trusted beside the public ones', async () => {
  await using other = await Authority.create();
  const publicOnes = getCACertificates('default');
  setDefaultCACertificates([...publicOnes, other.certificate]);
  try {
    for (const each of [authority, other]) {
      const { port } = await anOrigin(await each.issue(['IP:127.0.0.1']));
      expect(await get(`https://127.0.0.1:${port}`)).toBe('200 here');
    }
  } finally {
    setDefaultCACertificates(publicOnes);
  }
});

/** As a resolver that has these addresses, in this order. */
function pointingTo(addresses: readonly string[]): LookupFunction {
  const all = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return (_hostname, { all: wantsAll }, callback) => {
    if (wantsAll === true) callback(null, all);
    else callback(null, all[0]!.address, all[0]!.family);
  };
}

describe('a host with several addresses', () => {
  it.each([
    ['IPv6', ['::1', '127.0.0.1']],
    ['IPv4', ['127.0.0.2', '::1', '127.0.0.1']],
  ])('is reached when only its %s address is dead', async (_version, addresses) => {
    const origin = await anOrigin();
    expect(await get(`http://${name}:${origin.port}`, { lookup: pointingTo(addresses) })).toBe('200 here');
  });
});
