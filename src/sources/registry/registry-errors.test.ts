import { createHash } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpGet } from '../http/http.ts';
import { ollamaSource } from '../ollama/ollama.ts';
import { ollamaAt } from '../testing/ollama.ts';
import { said } from '../testing/said.ts';
import { listen } from '../testing/server.ts';

const sha256 = (content: string) => createHash('sha256').update(content).digest('hex');

describe('a registry that', () => {
  let close: (() => void) | undefined;
  afterEach(() => close?.());

  /** A registry of these answers, by the end of the path. */
  async function answering(
    answers: Record<string, [status: number, body: string | object, headers?: object]>,
  ): Promise<string> {
    const seen: RequestListener = ({ url = '' }, response) => {
      const [, [status, body, headers]] = Object.entries(answers).find(([end]) => url.endsWith(end)) ?? [
        '',
        [404, ''],
      ];
      response.writeHead(status, { ...headers }).end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    const server = await listen(seen);
    close = server.close;
    return server.url;
  }

  const unknown = { errors: [{ code: 'MANIFEST_UNKNOWN' }] };
  const layer = {
    mediaType: 'application/vnd.ollama.image.model',
    digest: `sha256:${'a'.repeat(64)}`,
    size: 1,
  };
  const config = { ...layer, digest: `sha256:${sha256('{}')}`, size: 2 };
  const manifest = { schemaVersion: 2, config, layers: [layer] };

  it.each<[what: string, answer: [number, string | object, object?], message: RegExp]>([
    ['breaks', [500, 'oops'], /^SourceUnreachable: .*500/],
    ['is busy', [429, '', { 'retry-after': '7' }], /^RateLimited: .*7 s/],
    ['is a portal', [200, '<html>'], /^SourceUnreachable: .*does not answer as an Ollama registry/],
    [
      'is a web server',
      [404, '<html>nothing here'],
      /^RepoNotFound: .*or is no Ollama registry \(404\)\. Check/,
    ],
    ['is another API', [200, { models: [] }], /^SourceUnreachable: .*schemaVersion/],
    [
      'states no sha256',
      [200, { ...manifest, layers: [{ ...layer, digest: 'sha256:../x' }] }],
      /^SourceUnreachable: .*digest/,
    ],
    [
      'states no size',
      [200, { ...manifest, layers: [{ ...layer, size: -1 }] }],
      /^SourceUnreachable: .*size/,
    ],
    [
      'has a list of manifests',
      [200, { schemaVersion: 2, manifests: [] }],
      /^UnsupportedModel: .*list of manifests/,
    ],
    ['redirects to itself', [302, '', { location: '/v2/acme/m/manifests/latest' }], /^SourceUnreachable: /],
    [
      "asks for a key of Ollama's",
      [401, '', { 'www-authenticate': 'Bearer realm="https://ollama.com/token",service="x"' }],
      /^Unauthorized: .*signature of an Ollama key at https:\/\/ollama.com\/token.*a token or a password\./,
    ],
    [
      'knows no such name',
      [404, { errors: [{ code: 'NAME_UNKNOWN' }] }],
      /^RepoNotFound: .* no model acme\/m \(404\)\. Check/,
    ],
    ['refuses the name', [400, { errors: [{ code: 'NAME_INVALID' }] }], /^RepoNotFound: .*\(400\)/],
    ['does what none should', [418, 'teapot'], /^PullerFailed: .*418.*teapot/],
    ['forbids it', [403, '<html>'], /^Unauthorized: .*\(403\)/],
  ])('%s says so', async (_what, answer, message) => {
    const endpoint = await answering({ latest: answer });
    const refused = await said(ollamaAt('acme/m', { endpoint }).resolve());
    expect(refused).toMatch(message);
    expect(refused).not.toContain('<html>');
  });

  it('does not listen is SourceUnreachable', async () => {
    expect(await said(ollamaAt('acme/m', { endpoint: 'http://127.0.0.1:1' }).resolve())).toMatch(
      /^SourceUnreachable: .*ECONNREFUSED/,
    );
  });

  it('answers a digest with another manifest is caught', async () => {
    const endpoint = await answering({ '': [200, manifest] });
    const asked = ollamaAt('acme/m', { endpoint }).resolve(`sha256:${'0'.repeat(64)}`);
    expect(await said(asked)).toMatch(/^ChecksumMismatch: .*sha256:0+ of acme\/m/);
  });

  it('knows no manifests by digest is asked for the tag, as long as that has not moved', async () => {
    const digest = `sha256:${sha256(JSON.stringify(manifest))}`;
    const endpoint = await answering({
      latest: [200, manifest],
      [digest]: [404, unknown],
      [config.digest]: [200, '{}'],
    });
    await expect(ollamaAt('acme/m', { endpoint }).resolve(digest)).resolves.toMatchObject({
      revision: digest,
    });
    expect(await said(ollamaAt('acme/m', { endpoint }).resolve(`sha256:${'0'.repeat(64)}`))).toMatch(
      /^RevisionNotFound: .*the tag latest has moved to sha256:/,
    );
  });

  it('alters the config is caught, and one that lost it too', async () => {
    const altered = await answering({ latest: [200, manifest], [config.digest]: [200, '[]'] });
    expect(await said(ollamaAt('acme/m', { endpoint: altered }).resolve())).toMatch(
      /^ChecksumMismatch: config.json/,
    );
    close?.();
    const lost = await answering({ latest: [200, manifest], [config.digest]: [404, ''] });
    expect(await said(ollamaAt('acme/m', { endpoint: lost }).resolve())).toMatch(
      /^FileNotFound: .*config.json/,
    );
  });

  it('is named in the model has its files and records apart from those of others', async () => {
    const url = await answering({ latest: [200, manifest], [config.digest]: [200, '{}'] });
    const asked: string[] = [];
    const get = createHttpGet();
    const named = ollamaSource(
      { model: 'hub.local:5000/acme/m' },
      {
        get: (address, request) => {
          asked.push(address);
          return get(address.replace('https://hub.local:5000', url), request);
        },
        patience: { tries: 1, sleep: async () => {}, random: () => 0 },
      },
    );
    const { folder, records } = await named.resolve();
    expect(asked[0]).toBe('https://hub.local:5000/v2/acme/m/manifests/latest');
    expect(folder).toMatch(/^ollama\/hub\.local\+5000\/acme\/m\/[0-9a-f]{64}$/);
    // Ollama has the port in the name of a folder.
    expect(records[0]!.path).toBe('manifests/hub.local:5000/acme/m/latest');
  });

  it('has a name that no volume can hold, or a config that is none, is refused', async () => {
    const [long, huge] = ['a'.repeat(80), { ...config, size: 2 << 20 }];
    const endpoint = await answering({
      latest: [200, { ...manifest, config: huge }],
      [long]: [200, manifest],
      [config.digest]: [200, '{}'],
    });
    expect(await said(ollamaAt('acme/m', { endpoint }).resolve())).toMatch(
      /^UnsupportedModel: .*its config has 2097152 bytes/,
    );
    expect(await said(ollamaAt(`${long}/${long}:${long}`, { endpoint }).resolve())).toMatch(
      /^UnsupportedModel: .*too long/,
    );
  });

  it('asks for a manifest elsewhere is followed, and its refusal is its own', async () => {
    const elsewhere = await listen((_request, response) => {
      response.writeHead(404).end(JSON.stringify(unknown));
    });
    const endpoint = await answering({ latest: [307, '', { location: `${elsewhere.url}/v2/` }] });
    expect(await said(ollamaAt('acme/m', { endpoint }).resolve())).toMatch(/^RevisionNotFound: /);
    elsewhere.close();
  });

  it('answers without end is not read to it', async () => {
    const server = await listen((_request, response) => {
      const more = (): void =>
        void (response.write('x'.repeat(1 << 16)) ? setImmediate(more) : response.once('drain', more));
      more();
    });
    close = server.close;
    expect(await said(ollamaAt('acme/m', { endpoint: server.url }).resolve())).toMatch(
      /^SourceUnreachable: .*registry/,
    );
  });
});
