import type { IncomingMessage, RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpGet, type HttpAnswer } from './http.ts';
import { listen } from './testing/server.ts';

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
