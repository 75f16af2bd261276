import { createServer } from 'node:https';
import { createServer as createPlainServer, type RequestListener } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Authority } from '../../../test/hub/authority.ts';
import { listen, stop, type Identity } from '../../../test/hub/origin.ts';
import { startProxy, type Proxy, type ProxyOptions } from '../../../test/hub/proxy.ts';
import { createHttpGet, type HttpOptions } from './http.ts';
import { noAnswer } from './no-answer.ts';

const closing: (() => Promise<void>)[] = [];
let authority: Authority;
/** One that nobody is told of. */
let stranger: Authority;
let good: Identity;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([Authority.create(), Authority.create()]);
  good = await authority.issue(['DNS:hub.test', 'IP:127.0.0.1']);
});
afterAll(async () => {
  for (const each of [authority, stranger]) await each[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(tls: Identity | undefined, listener: RequestListener = (_, response) => response.end()) {
  const server = tls === undefined ? createPlainServer(listener) : createServer(tls, listener);
  const port = await listen(server, '127.0.0.1', 0);
  closing.push(() => stop(server));
  return { port, url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}` };
}

async function aProxy(options: ProxyOptions): Promise<Proxy> {
  const proxy = await startProxy(options);
  closing.push(() => proxy.close());
  return proxy;
}

/** Why there is no answer, as `reason: message`. */
async function why(url: string, options: HttpOptions = {}): Promise<string> {
  const get = createHttpGet({ stallMs: 2_000, certificates: [authority.certificate], ...options });
  const error: unknown = await get(url).then(
    () => new Error('there was one'),
    (error: unknown) => error,
  );
  const { reason, message } = noAnswer('https://asked.test', error);
  return `${reason}: ${message}`;
}

describe('a certificate', () => {
  it.each([
    ['that has expired', () => authority.issue(['IP:127.0.0.1'], -1), /has expired: .*CERT_HAS_EXPIRED/],
    ['for another host', () => authority.issue(['IP:127.0.0.2']), /is for another host: .*127\.0\.0\.2/],
    ['that is signed by itself', () => stranger.itself, /is signed by nobody but itself: .*caBundle/],
  ])('%s is told from others', async (_what, issue, told) => {
    const { url } = await serve(await issue());
    expect(await why(url)).toMatch(told);
    expect(await why(url)).toMatch(new RegExp(`^CertificateNotTrusted: ${url} shows`));
  });

  it('of an authority that nobody knows names what to do, and what is missing in this namespace', async () => {
    const { url } = await serve(good);
    const told = await why(url, { certificates: [], hint: 'ConfigMap company-ca is not there.' });
    expect(told).toMatch(
      /^CertificateNotTrusted: .*authority that the puller does not know.*spec\.puller\.caBundle.* ConfigMap company-ca is not there\.$/,
    );
  });

  it('that is not trusted is said of whom it is after a redirect', async () => {
    const storage = await serve(await authority.issue(['DNS:other.test']));
    const hub = await serve(good, (_, response) => response.writeHead(302, { location: storage.url }).end());
    expect(await why(hub.url)).toMatch(new RegExp(`^CertificateNotTrusted: ${storage.url} `));
  });

  it('of a proxy is said to be that', async () => {
    const proxy = await aProxy({ tls: await authority.issue(['DNS:other.test']) });
    const way = { origin: proxy.url };
    const proxies = { http: way, https: way, noProxy: '' };
    for (const url of ['https://hub.test', 'http://hub.test']) {
      expect(await why(url, { proxies })).toMatch(
        new RegExp(
          `^CertificateNotTrusted: The proxy ${proxy.url} shows a certificate that is for another host`,
        ),
      );
    }
  });

  it('of what is behind a proxy is not said to be the proxy', async () => {
    const { port } = await serve(await authority.issue(['DNS:other.test']));
    const proxy = await aProxy({});
    const proxies = { https: { origin: proxy.url }, noProxy: '' };
    const told = await why(`https://hub.test:${port}`, { proxies });
    expect(told).toMatch(new RegExp(`^CertificateNotTrusted: https://hub.test:${port} shows`));
  });
});

describe('a proxy', () => {
  it.each([
    [
      'asks for a password',
      undefined,
      407,
      /^ProxyRefused: .*asks for a user.*secretName\. It is missing\.$/,
    ],
    ['refuses the password', 'Basic wrong', 407, /^ProxyRefused: .*refuses the user and the password/],
    ['lets nobody through', undefined, 403, /^ProxyRefused: .*to https:\/\/hub\.test:444 \(403\).*noProxy/],
    ['is overloaded', undefined, 503, /^SourceUnreachable: .*could not connect.*\(503\)/],
    ['asks for rest', undefined, 429, /^SourceUnreachable: .*\(429\)/],
  ])('that %s says so', async (_what, authorization, status, told) => {
    const proxy = await aProxy({ refuse: () => status });
    const https = { origin: proxy.url, hint: 'It is missing.', ...(authorization && { authorization }) };
    expect(await why('https://hub.test:444', { proxies: { https, noProxy: '' } })).toMatch(told);
  });

  it('that asks for a password says so for http too', async () => {
    const proxy = await aProxy({ user: { name: 'me', password: 'secret' } });
    const proxies = { http: { origin: proxy.url }, noProxy: '' };
    expect(await why('http://hub.test', { proxies })).toMatch(/^ProxyRefused: The proxy .* asks for a user/);
  });

  it('that nobody answers at is named', async () => {
    const proxies = { https: { origin: 'http://127.0.0.1:1' }, noProxy: '' };
    expect(await why('https://hub.test', { proxies })).toMatch(
      /^SourceUnreachable: The proxy http:\/\/127\.0\.0\.1:1 did not answer: .*ECONNREFUSED/,
    );
  });
});

describe('a host', () => {
  it('of which nobody knows the name is named', async () => {
    // A label of more than 63 characters is refused before anybody is asked.
    const url = `https://${'x'.repeat(64)}.invalid`;
    expect(await why(url)).toMatch(/^SourceUnreachable: https:\/\/x+\.invalid did not answer: .*E/);
  });

  it('that does not speak TLS is named', async () => {
    const { port } = await serve(undefined);
    expect(await why(`https://127.0.0.1:${port}`)).toMatch(
      new RegExp(`^SourceUnreachable: https://127.0.0.1:${port} did not answer`),
    );
  });
});

describe('a redirect', () => {
  it.each([
    ['in circles', '/again', 'redirects more than 8 times'],
    [
      'to clear text',
      'http://127.0.0.1:9/',
      'redirects from https to http (http://127.0.0.1:9), which is not followed',
    ],
    ['to a file', 'file:///etc/passwd', 'redirects to what is no web address'],
    ['to nowhere', 'http://', 'redirects to what is no web address'],
  ])('%s is not followed', async (_what, location, told) => {
    const { url } = await serve(good, (_, response) => response.writeHead(302, { location }).end());
    expect(await why(url)).toBe(`SourceUnreachable: ${url} ${told}.`);
  });
});

it('what breaks later is said of what was asked', () => {
  expect(noAnswer('https://asked.test', new Error('gone')).message).toBe(
    'https://asked.test did not answer: gone.',
  );
});
