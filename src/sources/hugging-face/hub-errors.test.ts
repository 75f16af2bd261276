import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startHub } from '../../../test/hub/hub.ts';
import { HuggingFaceSource } from '../../api/source.ts';
import { createHttpGet } from '../http/http.ts';
import { hubError } from './hub-errors.ts';
import { huggingFaceSource } from './hugging-face.ts';
import { said, told } from '../testing/said.ts';

const endpoint = 'https://huggingface.co';
const storage = 'https://cas-bridge.xethub.hf.co';
const question = { endpoint, repo: 'acme/huge', revision: 'main', path: 'm-Q8_0.gguf', withToken: false };
const hash = { 'x-xet-hash': 'a'.repeat(64) };

describe('a file that the hub gives over Xet only', () => {
  it('is told by the storage, which refuses large files', () => {
    const answer = { status: 400, headers: {}, origin: storage };
    expect(told(hubError(answer, { ...question, sizeBytes: 432e9 }))).toMatch(
      /^XetOnly: .*does not give m-Q8_0\.gguf \(432 GB\) of acme\/huge over plain HTTP \(400\)/,
    );
    expect(told(hubError(answer, { ...question, sizeBytes: 49e9 }))).toMatch(/^SourceUnreachable: .*400/);
    const forbidden = { ...answer, status: 403 };
    expect(told(hubError(forbidden, { ...question, sizeBytes: 432e9 }))).toMatch(/^SourceUnreachable: .*403/);
  });

  it.each([400, 403])('is told by the hub, which refuses it with %i and its hash', (status) => {
    const answer = { status, headers: hash, origin: endpoint };
    expect(told(hubError(answer, question))).toMatch(/^XetOnly: .*does not give m-Q8_0\.gguf of acme\/huge/);
    const gated = { ...answer, headers: { ...hash, 'x-error-code': 'GatedRepo' } };
    expect(told(hubError(gated, question))).toMatch(/^GatedRepo: /);
    const { path: _, ...repo } = question;
    expect(told(hubError(answer, repo))).not.toMatch(/^XetOnly/);
  });

  it('is not asked for again and again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xet-'));
    const file = join(folder, 'm.gguf');
    await writeFile(file, 'GGUF');
    await truncate(file, 60e9);
    const hub = await startHub({
      repos: [{ id: 'acme/huge', files: { 'm.gguf': { file, sha256: 'a'.repeat(64) } } }],
    });
    const patience = { tries: 5, sleep: async () => {}, random: () => 0 };
    const spec = HuggingFaceSource.parse({ repo: 'acme/huge', endpoint: hub.url });
    const source = huggingFaceSource(spec, { get: createHttpGet(), patience });
    const { revision, files } = await source.resolve();
    hub.failCdn(400, 10);
    hub.requests.length = 0;
    const asked = source.open(revision, files[0]!, { start: 0, end: 99 });
    expect(await said(asked)).toMatch(/^XetOnly: .*m\.gguf \(60 GB\)/);
    expect(hub.requests.map(({ origin, status }) => [origin, status])).toEqual([
      ['hub', 302],
      ['cdn', 400],
    ]);
    await hub.close();
    await rm(folder, { recursive: true });
  });
});
