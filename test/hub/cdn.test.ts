import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseRange } from './bytes.ts';
import { tinyGguf } from './gguf.ts';
import { startHub } from './hub.ts';
import type { Hub } from './hub.ts';
import { gitBlobId, lfsPointer } from './repo.ts';

const size = 300_000;
const content = tinyGguf({ size });
const fileUrl = (): string => `${hub.url}/o/n/resolve/main/model.gguf`;

let hub: Hub;
let now = Date.UTC(2026, 0, 1);

beforeAll(async () => {
  const files = { 'model.gguf': content, 'empty.gguf': '', 'config.json': '{}' };
  hub = await startHub({ repos: [{ id: 'o/n', files }], now: () => now, urlLifetimeSeconds: 60 });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.interruptAfter(0, 0);
  hub.setThrottle(undefined);
});

async function signedUrl(path = 'model.gguf'): Promise<string> {
  const response = await fetch(`${hub.url}/o/n/resolve/main/${path}`, { method: 'HEAD', redirect: 'manual' });
  return response.headers.get('Location') ?? '';
}

const ask = (url: string, headers: Record<string, string>): Promise<Response> => fetch(url, { headers });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());

async function chunks(response: Response, each: (chunk: Uint8Array) => unknown): Promise<void> {
  const body: AsyncIterable<Uint8Array> = response.body ?? new ReadableStream<Uint8Array>();
  for await (const chunk of body) each(chunk);
}

describe('resolving a file', () => {
  it('sends a large file to the CDN and says what it will be', async () => {
    const response = await fetch(fileUrl(), { method: 'HEAD', redirect: 'manual' });
    expect(response.status).toBe(302);
    expect(response.headers.get('Location')).toContain(`${hub.cdnUrl}/lfs/`);
    expect(response.headers.get('X-Linked-Size')).toBe(String(size));
    expect(response.headers.get('X-Linked-ETag')).toMatch(/^"[0-9a-f]{64}"$/);
    expect(response.headers.get('X-Repo-Commit')).toMatch(/^[0-9a-f]{40}$/);
    expect(response.headers.get('Accept-Ranges')).toBe('bytes');
  });

  it('sends a small file to a relative URL of its own', async () => {
    const url = `${hub.url}/o/n/resolve/main/config.json`;
    const response = await fetch(url, { redirect: 'manual' });
    expect(response.status).toBe(307);
    expect(response.headers.get('Location')).toMatch(
      /^\/api\/resolve-cache\/models\/o\/n\/[0-9a-f]{40}\/config.json/,
    );
    const followed = await fetch(url);
    expect(followed.headers.get('ETag')).toBe(`"${gitBlobId(Buffer.from('{}'))}"`);
    expect(await followed.text()).toBe('{}');
    const again = await ask(url, { 'If-None-Match': followed.headers.get('ETag') ?? '' });
    expect(again.status).toBe(304);
  });

  it('can be rate limited', async () => {
    hub.rateLimit(1, 7);
    const response = await fetch(fileUrl(), { method: 'HEAD' });
    expect([response.status, response.headers.get('RateLimit')]).toEqual([429, '"resolvers";r=0;t=7']);
    expect((await fetch(fileUrl(), { method: 'HEAD' })).status).toBe(200);
  });
});

describe('the CDN', () => {
  it('serves the whole file and any part of it', async () => {
    const url = await signedUrl();
    const whole = await ask(url, {});
    expect([whole.status, whole.headers.get('Content-Length')]).toEqual([200, String(size)]);
    expect((await bytesOf(whole)).equals(content)).toBe(true);
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=1000-1999', 1000, 1999],
      ['bytes=299990-', 299_990, 299_999],
      ['bytes=-5', 299_995, 299_999],
      ['bytes=299999-400000', 299_999, 299_999],
    ] as const) {
      const part = await ask(url, { Range: range });
      expect([part.status, part.headers.get('Content-Range')]).toEqual([
        206,
        `bytes ${start}-${end}/${size}`,
      ]);
      expect((await bytesOf(part)).equals(content.subarray(start, end + 1))).toBe(true);
    }
  });

  it('says 416 to a range beyond the end, with the size', async () => {
    const response = await ask(await signedUrl(), { Range: `bytes=${size}-` });
    expect([response.status, response.headers.get('Content-Range')]).toEqual([416, `bytes */${size}`]);
  });

  it('gives the range only while If-Range holds', async () => {
    const url = await signedUrl();
    const etag = (await fetch(url, { method: 'HEAD' })).headers.get('ETag') ?? '';
    const same = await ask(url, { Range: 'bytes=0-9', 'If-Range': etag });
    const changed = await ask(url, { Range: 'bytes=0-9', 'If-Range': '"other"' });
    expect([same.status, changed.status]).toEqual([206, 200]);
    expect((await bytesOf(same)).byteLength).toBe(10);
    expect((await bytesOf(changed)).byteLength).toBe(size);
  });

  it('serves an empty file', async () => {
    const response = await ask(await signedUrl('empty.gguf'), {});
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it('refuses a signature that is wrong, expired or withdrawn', async () => {
    const url = await signedUrl();
    const forged = new URL(url);
    forged.searchParams.set('Expires', '9999999999');
    expect((await fetch(forged)).status).toBe(403);
    expect((await fetch(url.split('?')[0] ?? '')).status).toBe(403);
    now += 61_000;
    expect((await fetch(url)).status).toBe(403);
    const fresh = await signedUrl();
    hub.expireUrls();
    expect((await fetch(fresh)).status).toBe(403);
    expect((await fetch(await signedUrl())).status).toBe(200);
  });

  it('cuts the connections it was told to, and no more', async () => {
    hub.interruptAfter(100_000, 1);
    const url = await signedUrl();
    const received: Uint8Array[] = [];
    const cut = chunks(await ask(url, {}), (chunk) => received.push(chunk));
    await expect(cut).rejects.toThrow('terminated');
    expect(Buffer.concat(received).equals(content.subarray(0, 100_000))).toBe(true);
    const rest = await ask(url, { Range: 'bytes=100000-' });
    expect((await bytesOf(rest)).equals(content.subarray(100_000))).toBe(true);
  });

  it('can fall silent, and let go of a client that leaves', async () => {
    hub.interruptAfter(1000, 1, 'stall');
    const leaving = new AbortController();
    const response = await fetch(await signedUrl(), { signal: leaving.signal });
    let received = 0;
    const stalled = chunks(response, (chunk) => {
      received += chunk.byteLength;
      if (received === 1000) leaving.abort();
    });
    await expect(stalled).rejects.toThrow('aborted');
    expect(received).toBe(1000);
  });

  it('can fail, and can ignore ranges', async () => {
    hub.failCdn(503, 1);
    const url = await signedUrl();
    expect([(await fetch(url)).status, (await fetch(url)).status]).toEqual([503, 200]);
    hub.setRanges(false);
    expect((await ask(url, { Range: 'bytes=0-0' })).status).toBe(200);
    hub.setRanges(true);
  });

  it('records what it was asked, an Authorization header too', async () => {
    hub.requests.length = 0;
    const url = await signedUrl();
    await ask(url, { Range: 'bytes=0-0', Authorization: 'Bearer hf_leaked' });
    expect(hub.requests).toMatchObject([
      { origin: 'hub', method: 'HEAD', status: 302 },
      { origin: 'cdn', method: 'GET', range: 'bytes=0-0', authorization: 'Bearer hf_leaked', status: 206 },
    ]);
  });

  it('is slow when told so, and obeys a change on a running answer', async () => {
    hub.setThrottle(1000);
    const sizes: number[] = [];
    await chunks(await ask(await signedUrl(), {}), (chunk) => {
      sizes.push(chunk.byteLength);
      hub.setThrottle(undefined);
    });
    expect(sizes[0]).toBe(100);
    expect(sizes.reduce((sum, length) => sum + length)).toBe(size);
  });
});

describe('addresses', () => {
  it('are those the client used, unless a public name is given', async () => {
    const files = { 'm.gguf': 'm' };
    const named = await startHub({ repos: [{ id: 'o/n', files }], host: '0.0.0.0', publicHost: 'hub.test' });
    const port = new URL(named.url).port;
    const response = await fetch(`http://127.0.0.1:${port}/o/n/resolve/main/m.gguf`, { redirect: 'manual' });
    expect(response.headers.get('Location')).toContain(`${named.cdnUrl}/lfs/`);
    expect(new URL(named.cdnUrl).hostname).toBe('hub.test');
    await named.close();
    const local = await signedUrl();
    expect(new URL(local).hostname).toBe('127.0.0.1');
  });

  it('are free again after close', async () => {
    const closed = await startHub({ repos: [] });
    await closed.close();
    await expect(fetch(closed.url)).rejects.toThrow('fetch failed');
    const again = await startHub({ repos: [], port: Number(new URL(closed.url).port) });
    expect(again.url).toBe(closed.url);
    await again.close();
  });
});

describe('parseRange', () => {
  it('ignores what it cannot read', () => {
    for (const header of [undefined, 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'lines=0-1']) {
      expect(parseRange(header, 10)).toBe('whole');
    }
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
  });
});

describe('git ids', () => {
  // bert-base-uncased's pytorch_model.bin, as list-files.spec.ts of huggingface.js expects it of the real hub.
  it('are those of the real hub', () => {
    const oid = '097417381d6c7230bd9e3557456d726de6e83245ec8b24f529f60198a67b203a';
    const pointer = lfsPointer({ oid, size: 440_473_133 });
    expect(pointer.byteLength).toBe(134);
    expect(gitBlobId(pointer)).toBe('ba5d19791be1dd7992e33bd61f20207b0f7f50a5');
  });
});
