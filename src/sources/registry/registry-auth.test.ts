import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import type { RegistryLogin } from '../credentials.ts';
import { createHttpGet, type HttpAnswer, type HttpGet } from '../http/http.ts';
import { askWithAuth, type RegistryAuthOptions } from './registry-auth.ts';
import { said } from '../testing/said.ts';
import { listen } from '../testing/server.ts';

const password: RegistryLogin = { kind: 'password', username: 'ada', password: 'sesame' };
const basic = `Basic ${Buffer.from('ada:sesame').toString('base64')}`;
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Place {
  readonly url: string;
  /** Method, path and authorization of every request. */
  readonly asked: string[];
}

async function place(answer: RequestListener): Promise<Place> {
  const asked: string[] = [];
  const { url, close } = await listen((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
    answer(request, response);
  });
  closing.push(close);
  return { url, asked };
}

/** A registry that wants what `challenge` says, until a request has one of the `good` headers. */
function registry(challenge: () => string | string[], good: ReadonlySet<string>): Promise<Place> {
  return place((request, response) => {
    if (good.has(request.headers.authorization ?? '')) response.end('content');
    else response.writeHead(401, { 'www-authenticate': challenge() }).end('who?');
  });
}

/** A token endpoint that counts: `t1`, `t2`, ... */
function tokens(good: Set<string>, answer?: (request: IncomingMessage) => object): Promise<Place> {
  let count = 0;
  return place((request, response) => {
    const token = `t${++count}`;
    good.add(`Bearer ${token}`);
    response.end(JSON.stringify(answer?.(request) ?? { token }));
  });
}

function asking(endpoint: string, more: Partial<RegistryAuthOptions> = {}) {
  const ask = askWithAuth({ endpoint, repository: 'team/m', get: createHttpGet(), ...more });
  return (path = '/v2/x'): Promise<HttpAnswer> => ask(`${endpoint}${path}`, {});
}

async function statusOf(answer: Promise<HttpAnswer>): Promise<number> {
  const { status, body } = await answer;
  await body.dump();
  return status;
}

describe('a registry that wants bearer tokens', () => {
  async function withTokens(answer?: (request: IncomingMessage) => object) {
    const good = new Set<string>();
    const auth = await tokens(good, answer);
    const hub = await registry(
      () => `Bearer realm="${auth.url}/token?a=1",service="hub",scope="repository:team/m:pull"`,
      good,
    );
    return { good, auth, hub };
  }
  const query = '/token?a=1&service=hub&scope=repository%3Ateam%2Fm%3Apull';

  it('gets one that everybody may have, once', async () => {
    const { auth, hub } = await withTokens();
    const ask = asking(hub.url);
    expect([await statusOf(ask()), await statusOf(ask())]).toEqual([200, 200]);
    expect(auth.asked).toEqual([`GET ${query} undefined`]);
    expect(hub.asked.map((one) => one.split(' ').slice(2).join(' '))).toEqual([
      'undefined',
      'Bearer t1',
      'Bearer t1',
    ]);
  });

  it('gets one for a password, which goes to the token endpoint only', async () => {
    const { auth, hub } = await withTokens((request) => ({ access_token: 't1', for: request.url }));
    expect(await statusOf(asking(hub.url, { login: password })())).toBe(200);
    expect(auth.asked).toEqual([`GET ${query} ${basic}`]);
    expect(hub.asked.join()).not.toContain(basic);
  });

  it('gets one for an identity token, by a form', async () => {
    const forms: Promise<string>[] = [];
    const { auth, hub } = await withTokens((request) => {
      forms.push(text(request));
      return { access_token: 't1' };
    });
    const login: RegistryLogin = { kind: 'identity', token: 'refresh-me' };
    expect(await statusOf(asking(hub.url, { login })())).toBe(200);
    expect(auth.asked).toEqual(['POST /token?a=1 undefined']);
    expect(Object.fromEntries(new URLSearchParams(await forms[0]))).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-me',
      client_id: 'longshore',
      service: 'hub',
      scope: 'repository:team/m:pull',
    });
  });

  it('has one that has run out renewed once, for all that meet this', async () => {
    const { good, auth, hub } = await withTokens();
    const ask = asking(hub.url);
    await statusOf(ask());
    good.clear();
    const again = await Promise.all(Array.from({ length: 8 }, () => statusOf(ask())));
    expect(again).toEqual(Array(8).fill(200));
    expect(auth.asked).toHaveLength(2);
  });

  it('and refuses what its token endpoint gives is not asked for ever', async () => {
    const { auth, hub } = await withTokens(() => ({ token: 'no-good' }));
    expect(await statusOf(asking(hub.url)())).toBe(401);
    expect([auth.asked.length, hub.asked.length]).toEqual([1, 2]);
  });

  it('is asked for its scope by the name of the repository where it names none', async () => {
    const good = new Set<string>();
    const auth = await tokens(good);
    const hub = await registry(() => `Bearer realm="${auth.url}/token"`, good);
    expect(await statusOf(asking(hub.url)())).toBe(200);
    expect(auth.asked).toEqual(['GET /token?scope=repository%3Ateam%2Fm%3Apull undefined']);
  });

  it('is sent a token of the Secret as it is, and no other', async () => {
    const { auth, hub } = await withTokens();
    expect(await statusOf(asking(hub.url, { login: { kind: 'token', token: 'mine' } })())).toBe(401);
    expect(hub.asked).toEqual(['GET /v2/x Bearer mine']);
    expect(auth.asked).toEqual([]);
  });
});

describe('a token endpoint', () => {
  async function answering(answer: RequestListener, login?: RegistryLogin): Promise<string> {
    const auth = await place(answer);
    const hub = await registry(() => `Bearer realm="${auth.url}/token?key=1",service="hub"`, new Set());
    const asked = asking(hub.url, { login })();
    return said(asked.then(({ status }) => Promise.reject(new Error(`answer ${status}`))));
  }

  it('that refuses a login is named', async () => {
    const refused = await answering((_request, response) => response.writeHead(401).end('no'), password);
    expect(refused).toMatch(
      /^Unauthorized: http:\/\/127[^?]*\/token, the token endpoint of http:\/\/127\S*, refused the login .* \(401\).* team\/m/,
    );
  });

  it('that has nothing for those without one leaves the refusal as it was', async () => {
    expect(await answering((_request, response) => response.writeHead(403).end())).toBe('Error: answer 401');
  });

  it.each<[what: string, answer: RequestListener, message: RegExp]>([
    [
      'breaks',
      (_request, response) => response.writeHead(500).end(),
      /^SourceUnreachable: .*500 for a token/,
    ],
    [
      'is busy',
      (_request, response) => response.writeHead(429, { 'retry-after': '5' }).end(),
      /^RateLimited: .*5 s/,
    ],
    ['is a page', (_request, response) => response.end('<html>'), /^SourceUnreachable: .*token endpoint/],
    ['gives none', (_request, response) => response.end('{}'), /^SourceUnreachable: .*token endpoint/],
    ['gives no header', (_request, response) => response.end('{"token":"a b"}'), /^SourceUnreachable: /],
    [
      'gives too much',
      (_request, response) => response.end(JSON.stringify({ token: 'x'.repeat(200_000) })),
      /^SourceUnreachable: /,
    ],
  ])('that %s is said to be it', async (_what, answer, message) => {
    expect(await answering(answer, password)).toMatch(message);
  });

  it('gets no identity token on where it redirects', async () => {
    const thief = await place((_request, response) => response.end('{"token":"t"}'));
    const login: RegistryLogin = { kind: 'identity', token: 'refresh-me' };
    const refused = await answering(
      (_request, response) => response.writeHead(307, { location: `${thief.url}/token` }).end(),
      login,
    );
    expect(refused).toMatch(/^SourceUnreachable: .*\(307\)/);
    expect(thief.asked).toEqual([]);
  });

  it('gets no login over plain http from a registry that is not asked that way', async () => {
    const sent: string[] = [];
    const fake: HttpGet = async (url) => {
      sent.push(url);
      const { body, ...rest } = await createHttpGet()(hub.url);
      return { ...rest, body, origin: 'https://registry.example' };
    };
    const hub = await registry(() => 'Bearer realm="http://auth.example/token"', new Set());
    const asked = asking('https://registry.example', { get: fake, login: password })();
    expect(await said(asked)).toMatch(
      /^Unauthorized: https:\/\/registry\.example wants its logins exchanged at http:\/\/auth\.example\/token, in clear text/,
    );
    expect(sent).toEqual(['https://registry.example/v2/x']);
  });
});

describe('a registry that wants a password', () => {
  it('gets it, and later on at once', async () => {
    const hub = await registry(() => 'Basic realm="hub"', new Set([basic]));
    const ask = asking(hub.url, { login: password });
    expect([await statusOf(ask()), await statusOf(ask())]).toEqual([200, 200]);
    expect(hub.asked.map((one) => one.split(' ').slice(2).join(' '))).toEqual(['undefined', basic, basic]);
  });

  it('and refuses it has refused it', async () => {
    const hub = await registry(() => 'Basic realm="hub"', new Set());
    const ask = asking(hub.url, { login: password });
    expect([await statusOf(ask()), await statusOf(ask())]).toEqual([401, 401]);
    expect(hub.asked).toHaveLength(3);
  });

  it('or a token is asked for the token', async () => {
    const good = new Set<string>();
    const auth = await tokens(good);
    const hub = await registry(() => ['Basic realm="hub"', `Bearer realm="${auth.url}/token"`], good);
    expect(await statusOf(asking(hub.url, { login: password })())).toBe(200);
    expect(hub.asked.join()).not.toContain(basic);
  });

  it.each([
    ['without a login', 'Basic realm="hub"', undefined],
    ['with an identity token', 'Basic realm="hub"', { kind: 'identity', token: 'x' }],
    ['by a scheme of its own', 'Negotiate', password],
    ['at no address', 'Bearer realm="hub"', password],
    ["of Ollama's", 'Bearer realm="https://ollama.com/token"', undefined],
  ] as const)('%s has refused', async (_what, challenge, login) => {
    const hub = await registry(() => challenge, new Set());
    expect(await statusOf(asking(hub.url, { login })())).toBe(401);
    expect(hub.asked).toHaveLength(1);
  });
});

it('what another origin refuses gets no login', async () => {
  const store = await registry(() => 'Basic realm="store"', new Set([basic]));
  const hub = await place((_request, response) =>
    response.writeHead(307, { location: `${store.url}/blob` }).end(),
  );
  expect(await statusOf(asking(hub.url, { login: password })())).toBe(401);
  expect(store.asked).toEqual(['GET /blob undefined']);
});

it('one request that is given up leaves the token to the others', async () => {
  const good = new Set<string>();
  const asked = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  async function giveLater(response: ServerResponse): Promise<void> {
    asked.resolve();
    await go.promise;
    good.add('Bearer t');
    response.end('{"token":"t"}');
  }
  const auth = await place((_request, response) => void giveLater(response));
  const hub = await registry(() => `Bearer realm="${auth.url}/token"`, good);
  const ask = askWithAuth({ endpoint: hub.url, repository: 'a/b', get: createHttpGet() });
  const first = new AbortController();
  const given = ask(`${hub.url}/1`, { signal: first.signal }).catch(() => 'given up');
  await asked.promise;
  const second = statusOf(ask(`${hub.url}/2`, {}));
  first.abort();
  go.resolve();
  expect(await second).toBe(200);
  expect(await given).toBe('given up');
});
