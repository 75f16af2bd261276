import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startFileServer, type FileServer } from '../../test/hub/files.ts';
import { tinyGguf } from '../../test/hub/gguf.ts';
import { aPlace, type Puller, type PullerPlace } from './testing/process.ts';

// Every test starts processes, and a loaded machine is slow at that.
vi.setConfig({ testTimeout: 60_000 });

const content = tinyGguf({ size: 12 << 20, seed: 41 });
const readme = Buffer.from('# A model\n');
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const files = { '/models/m-Q4_K_M.gguf': content, '/README.md': readme };

let server: FileServer;
let place: PullerPlace;

beforeAll(async () => {
  server = await startFileServer({ files });
});
afterAll(() => server.close());
beforeEach(async () => {
  place = await aPlace();
  server.requests.length = 0;
  server.inject(() => undefined);
});
afterEach(() => place.clear());

function start(command: string, more: object = {}, { from = server, hash = sha256(content) } = {}): Puller {
  const listed = [
    { url: `${from.url}/models/m-Q4_K_M.gguf?Signature=s3cret`, sha256: hash },
    { url: `${from.url}/README.md`, sha256: sha256(readme), path: 'docs/README.md' },
  ];
  return place.start(command, { source: { http: { files: listed } }, ...more });
}

const received = () =>
  server.requests.filter(({ range }) => range !== undefined && range !== 'bytes=0-0').map(({ path }) => path);

describe('files by URL', () => {
  it('are inspected, and pulled, once', async () => {
    const { report } = await start('inspect').ended();
    expect(report).toMatchObject({
      inspection: {
        sizeBytes: content.byteLength + readme.byteLength,
        fileCount: 2,
        gguf: { architecture: 'llama', quantization: 'Q4_K_M' },
      },
    });
    const puller = start('pull');
    const pulled = await puller.ended();
    const list = `${sha256(content)}  m-Q4_K_M.gguf\n${sha256(readme)}  docs/README.md\n`;
    expect(pulled).toMatchObject({
      code: 0,
      report: {
        publication: {
          revision: `sha256:${sha256(list)}`,
          path: `http/${sha256(list)}`,
          files: [{ path: 'm-Q4_K_M.gguf', role: 'model' }, { path: 'docs/README.md' }],
        },
      },
    });
    const at = join(place.volume, `http/${sha256(list)}`);
    expect(sha256(await readFile(join(at, 'm-Q4_K_M.gguf')))).toBe(sha256(content));
    expect(String(await readFile(join(at, 'docs/README.md')))).toBe('# A model\n');
    const [name = ''] = await readdir(join(place.volume, 'index/uid'));
    const index = await readFile(join(place.volume, 'index/uid', name), 'utf8');
    expect(`${puller.log()}${JSON.stringify(pulled.report)}${index}`).not.toContain('s3cret');

    server.requests.length = 0;
    expect((await start('pull').ended()).code).toBe(0);
    expect(received()).toEqual([]);
  });

  it('of another content than the Model states are never published', async () => {
    const hash = sha256('another');
    const { code, report } = await start('pull', {}, { hash }).ended();
    expect({ code, report }).toMatchObject({ code: 1, report: { failure: { reason: 'ChecksumMismatch' } } });
    expect(JSON.stringify(report)).toContain(hash);
    expect(await readdir(place.volume)).not.toContain('index');
    expect(await readdir(place.volume)).not.toContain('http');
  });

  it('in place of which a page to log in at comes, midway, are SourceUnreachable', async () => {
    server.inject(({ number }) => (number < 3 ? undefined : { kind: 'page' }));
    const { report } = await start('inspect').ended();
    expect(report).toMatchObject({ inspection: {} });
    server.inject(() => ({ kind: 'page' }));
    const refused = await start('inspect').ended();
    expect(refused).toMatchObject({ code: 1, report: { failure: { reason: 'SourceUnreachable' } } });
  });

  it('behind a password are pulled with that of the Secret, which no log has', async () => {
    const authorization = `Basic ${Buffer.from('ada:open sesame').toString('base64')}`;
    const guarded = await startFileServer({ files, authorization });
    try {
      await place.giveSecret({ token: 'open sesame', username: 'ada', host: guarded.url });
      const puller = start('pull', { credentials: true }, { from: guarded });
      expect((await puller.ended()).code).toBe(0);
      expect(puller.log()).not.toContain('open sesame');
      await place.giveSecret({ token: 'open sesame', username: 'ada' });
      const { code, report } = await start('inspect', { credentials: true }, { from: guarded }).ended();
      expect({ code, report }).toMatchObject({
        code: 2,
        report: { failure: { reason: 'CredentialsForAnotherHost' } },
      });
    } finally {
      await guarded.close();
    }
  });
});
