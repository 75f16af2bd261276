import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { HuggingFaceSource } from '../../api/source.ts';
import { createHttpGet } from '../http/http.ts';
import { huggingFaceSource } from './hugging-face.ts';
import type { Resolution } from '../source.ts';
import { said } from '../testing/said.ts';
import { listen } from '../testing/server.ts';

// Thousands of requests, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const commit = 'c'.repeat(40);
const oid = 'a'.repeat(40);
const file = (path: string) => ({
  type: 'file',
  path,
  size: 100,
  oid,
  lfs: { oid: 'b'.repeat(64), size: 100 },
});

let close: () => void = () => {};
afterEach(() => close());

/** A hub that lists whatever is on a page, counted from 0; there is always one more page, until there is none. */
async function listing(
  page: (number: number) => string | undefined,
): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const answer: RequestListener = (request, response) => {
    asked += 1;
    const number = Number(new URL(request.url ?? '', 'http://hub').searchParams.get('cursor') ?? 0);
    if (page(number + 1) !== undefined) {
      response.setHeader('link', `<http://${request.headers.host}/next?cursor=${number + 1}>; rel="next"`);
    }
    response.end(page(number));
  };
  const server = await listen(answer);
  close = server.close;
  return { url: server.url, asked: () => asked };
}

function resolve(endpoint: string, fields: object = {}): Promise<Resolution> {
  const spec = HuggingFaceSource.parse({ repo: 'acme/large', endpoint, ...fields });
  const patience = { tries: 1, sleep: async () => {}, random: () => 0 };
  return huggingFaceSource(spec, { get: createHttpGet(), patience }).resolve(commit);
}

describe('a listing', () => {
  it('of 10,000 files is read to its end in a moment, page by page', async () => {
    const perPage = 1000;
    const pages = Array.from({ length: 10 }, (_, page) =>
      JSON.stringify(Array.from({ length: perPage }, (_, i) => file(`part/${page * perPage + i}.bin`))),
    );
    pages[9] = JSON.stringify([
      ...z.array(z.unknown()).parse(JSON.parse(pages[9]!)).slice(1),
      file('m-Q8_0.gguf'),
    ]);
    const hub = await listing((number) => pages[number]);
    const began = performance.now();
    const { files } = await resolve(hub.url, { bits: 8 });
    expect(files.map(({ path }) => path)).toEqual(['m-Q8_0.gguf']);
    expect(hub.asked()).toBe(10);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it('with absurd names has only those that a volume can hold', async () => {
    const absurd = ['../m.gguf', '/m.gguf', 'a/../../m.gguf', '.git/m.gguf', 'a\0.gguf', 'a\\m.gguf', ''];
    const long = [`${'x'.repeat(300)}.gguf`, `${'ü'.repeat(130)}.gguf`, 'a/'.repeat(200) + 'm.gguf'];
    const all = JSON.stringify([...absurd, ...long, 'ein Modell – 模型.gguf'].map(file));
    const hub = await listing((number) => (number === 0 ? all : undefined));
    const { files } = await resolve(hub.url);
    expect(files.map(({ path }) => path)).toEqual(['ein Modell – 模型.gguf']);
  });

  it('without end is given up', async () => {
    const hub = await listing(() => '[]');
    expect(await said(resolve(hub.url))).toMatch(
      /^SourceUnreachable: .*acme\/large: its listing goes on after 2000 pages\. Check/,
    );
    expect(hub.asked()).toBe(2000);
  });

  it('of more than any repository has is given up', async () => {
    const folder = { type: 'directory', path: 'd', size: 0, oid };
    const page = JSON.stringify(Array.from({ length: 20_000 }, () => folder));
    const hub = await listing(() => page);
    expect(await said(resolve(hub.url))).toMatch(/^SourceUnreachable: .*goes on after 200000 entries/);
    expect(hub.asked()).toBe(11);
  });

  it('whose page does not end is not read to its end', async () => {
    let sent = 0;
    const server = await listen((_request, response) => {
      const piece = ' '.repeat(1 << 20);
      const more = (): void => {
        sent += piece.length;
        if (response.write(piece)) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    });
    close = server.close;
    expect(await said(resolve(server.url))).toMatch(/^SourceUnreachable: /);
    expect(sent).toBeLessThan(64 << 20);
  });
});
