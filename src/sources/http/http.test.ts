import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpGet, type HttpAnswer } from './http.ts';
import { listen } from '../testing/server.ts';

const part = { headers: { range: 'bytes=0-1' }, token: 'secret' };
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0)) close();
});

interface Place {
  readonly url: string;
  readonly asked: IncomingMessage[];
}

async function place(answer: RequestListener): Promise<Place> {
  const asked: IncomingMessage[] = [];
  const { url, close } = await listen((request, response) => {
    asked.push(request);
    answer(request, response);
  });
  closing.push(close);
  return { url, asked };
}

/** A hub that sends everybody to a store with a new address each time, of which only the newest is good. */
async function hubAndStore(): Promise<{ hub: Place; store: Place; expire: () => void }> {
  let newest = 0;
  let good = -1;
  const store = await place((request, response) => {
    const ok = request.url === `/${good}`;
    response.writeHead(ok ? 206 : 403).end('ab');
  });
  const hub = await place((_request, response) => {
    good = ++newest;
    response.writeHead(302, { location: `${store.url}/${good}` }).end();
  });
  return { hub, store, expire: () => (good = -1) };
}

async function statusOf(answer: Promise<HttpAnswer>): Promise<number> {
  const { status, body } = await answer;
  await body.dump();
  return status;
}

describe('requests for parts', () => {
  it('ask once where redirects lead to, also when they come together', async () => {
    const { hub, store } = await hubAndStore();
    const get = createHttpGet();
    const asked = Array.from({ length: 5 }, () => statusOf(get(`${hub.url}/file`, part)));
    expect(await Promise.all(asked)).toEqual([206, 206, 206, 206, 206]);
    expect([hub.asked.length, store.asked.length]).toEqual([1, 5]);
  });

  it('never bring the token to where a redirect leads to, nor later on', async () => {
    const { hub, store, expire } = await hubAndStore();
    const get = createHttpGet();
    await statusOf(get(`${hub.url}/file`, part));
    expire();
    await statusOf(get(`${hub.url}/file`, part));
    await statusOf(get(`${hub.url}/file`, part));
    expect(hub.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer secret', 'Bearer secret']);
    expect(store.asked.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill(undefined));
  });

  it('keep the token within its origin', async () => {
    const hub = await place((request, response) => {
      if (request.url === '/file') response.writeHead(307, { location: '/cache' }).end();
      else response.writeHead(206).end('ab');
    });
    const get = createHttpGet();
    await statusOf(get(`${hub.url}/file`, part));
    await statusOf(get(`${hub.url}/file`, part));
    const seen = hub.asked.map(({ url, headers }) => [url, headers.authorization]);
    expect(seen).toEqual(['/file', '/cache', '/cache'].map((url) => [url, 'Bearer secret']));
  });

  it('ask anew, once for all, when the address is refused', async () => {
    const { hub, expire } = await hubAndStore();
    const get = createHttpGet();
    await statusOf(get(`${hub.url}/file`, part));
    expire();
    const asked = Array.from({ length: 5 }, () => statusOf(get(`${hub.url}/file`, part)));
    expect(await Promise.all(asked)).toEqual([206, 206, 206, 206, 206]);
    expect(hub.asked).toHaveLength(2);
  });

  it('are told when a new address is refused too, and do not go round in circles', async () => {
    const store = await place((_request, response) => response.writeHead(403).end());
    const hub = await place((_request, response) => response.writeHead(302, { location: store.url }).end());
    const get = createHttpGet();
    expect(await statusOf(get(`${hub.url}/file`, part))).toBe(403);
    expect([hub.asked.length, store.asked.length]).toEqual([1, 1]);
  });

  it('that were given up do not keep others waiting', async () => {
    let silent = true;
    const hub = await place((_request, response) => {
      if (!silent) response.writeHead(206).end('ab');
    });
    const get = createHttpGet();
    const leaving = new AbortController();
    const first = get(`${hub.url}/file`, { ...part, signal: leaving.signal });
    const second = statusOf(get(`${hub.url}/file`, part));
    silent = false;
    leaving.abort(new Error('gone'));
    await expect(first).rejects.toThrow('gone');
    expect(await second).toBe(206);
  });
});

describe('a signed address', () => {
  const seconds = 100;

  /** A hub that signs for some seconds by its own clock, and a store that takes whatever is signed. */
  async function signing({ clock = Date.now, lifetime = seconds } = {}) {
    const store = await place((_request, response) => response.writeHead(206).end('ab'));
    const hub = await place((_request, response) => {
      const query = `Expires=${Math.ceil(clock() / 1000) + lifetime}&Signature=x`;
      const headers = { location: `${store.url}/${hub.asked.length}?${query}` };
      response.writeHead(302, { ...headers, date: new Date(clock()).toUTCString() }).end();
    });
    return { hub, store };
  }

  it.each([
    ['ours', Date.now],
    ['a clock that is a day ahead', () => Date.now() + 86_400_000],
    ['a clock that is a day behind', () => Date.now() - 86_400_000],
  ])('is asked for anew a little before its time is over by %s, once for all', async (_whose, clock) => {
    const { hub } = await signing({ clock });
    let now = 0;
    const get = createHttpGet({ now: () => now });
    const several = () =>
      Promise.all(Array.from({ length: 5 }, () => statusOf(get(`${hub.url}/file`, part))));
    await several();
    now = 70_000;
    await several();
    expect(hub.asked).toHaveLength(1);
    now = 80_000;
    expect(await several()).toEqual([206, 206, 206, 206, 206]);
    expect(hub.asked).toHaveLength(2);
    now = 150_000;
    await several();
    expect(hub.asked).toHaveLength(2);
  });

  it('of which the time is over when it is given is used until it is refused', async () => {
    const { hub } = await signing({ lifetime: -1 });
    const get = createHttpGet();
    await statusOf(get(`${hub.url}/file`, part));
    await statusOf(get(`${hub.url}/file`, part));
    expect(hub.asked).toHaveLength(1);
  });

  it('that is refused each time it is new is not asked for over and over', async () => {
    const refused = { ...part, headers: { range: 'bytes=2-3' } };
    // Others get a new address before this one hears all of its refusal.
    const refuse = async (response: ServerResponse): Promise<void> => {
      response.writeHead(403).write('no');
      const before = hub.asked.length;
      while (hub.asked.length === before) await statusOf(get(`${hub.url}/file`, part));
      response.end();
    };
    const store = await place((request, response) => {
      if (request.headers.range === refused.headers.range) void refuse(response);
      else response.writeHead(206).end('ab');
    });
    const hub = await place((_request, response) => response.writeHead(302, { location: store.url }).end());
    const get = createHttpGet();
    await statusOf(get(`${hub.url}/file`, part));
    expect(await statusOf(get(`${hub.url}/file`, refused))).toBe(403);
    const times = store.asked.filter(({ headers }) => headers.range === refused.headers.range);
    expect(times).toHaveLength(4);
  });
});

describe('other requests', () => {
  it('follow redirects every time', async () => {
    const { hub } = await hubAndStore();
    const get = createHttpGet();
    await statusOf(get(`${hub.url}/file`));
    await statusOf(get(`${hub.url}/file`));
    expect(hub.asked).toHaveLength(2);
  });

  it('may throw an answer away', async () => {
    const large = await place((_request, response) => response.end(Buffer.alloc(10_000_000)));
    const { body } = await createHttpGet()(large.url);
    body.destroy();
    // An error that nobody met would have ended the process.
    expect(await statusOf(createHttpGet()(large.url))).toBe(200);
  });
});
