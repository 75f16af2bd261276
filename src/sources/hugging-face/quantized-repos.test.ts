import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testToken } from '../../../test/hub/content.ts';
import { tinyGguf } from '../../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../../test/hub/hub.ts';
import type { Repo } from '../../../test/hub/repo.ts';
import { HuggingFaceSource } from '../../api/source.ts';
import { createHttpGet } from '../http/http.ts';
import { huggingFaceSource } from './hugging-face.ts';
import { said } from '../testing/said.ts';
import { listen } from '../testing/server.ts';

const base = 'acme/tensors';
const card = (of: string) => `---\nbase_model: ${of}\n---\n`;
const quantized = (id: string, downloads: number, more: Partial<Repo> = {}): Repo => ({
  id,
  downloads,
  files: { 'README.md': card(base), 'm-Q4_K_M.gguf': tinyGguf() },
  ...more,
});

let hub: Hub;
beforeAll(async () => {
  hub = await startHub({
    repos: [
      { id: base, files: { 'model.safetensors': 'x' } },
      { id: 'acme/alone', files: { 'model.safetensors': 'x' } },
      quantized('few/m-GGUF', 1),
      quantized('most/m-GGUF', 900),
      quantized('some/m-GGUF', 20),
      quantized('more/m-GGUF', 300),
      quantized('hidden/m-GGUF', 1000, { private: true }),
      {
        id: 'other/m-GGUF',
        downloads: 5000,
        files: { 'README.md': card('acme/other'), 'm.gguf': tinyGguf() },
      },
      { id: 'tuned/m', downloads: 5000, files: { 'README.md': card(base), 'model.safetensors': 'x' } },
    ],
    tokens: [testToken],
  });
});
afterAll(() => hub.close());
beforeEach(() => {
  hub.requests.length = 0;
});

function refusal(repo: string, fields: object = {}, token?: string): Promise<string> {
  const patience = { tries: 3, sleep: async () => {}, random: () => 0 };
  const spec = HuggingFaceSource.parse({ repo, endpoint: hub.url, ...fields });
  return said(huggingFaceSource(spec, { get: createHttpGet(), token, patience }).resolve());
}

describe('a repository without GGUF files', () => {
  it('is refused with the three GGUF repositories made from it that are downloaded most', async () => {
    expect(await refusal(base)).toMatch(
      /^NoModelFile: .*no GGUF file among its 1 files\..*: most\/m-GGUF, more\/m-GGUF, some\/m-GGUF\.$/,
    );
  });

  it('is so too where its files are named', async () => {
    expect(await refusal(base, { files: ['*.safetensors'] })).toMatch(/^NoModelFile: .*: most\/m-GGUF, /);
  });

  it('that nobody has quantized is refused without', async () => {
    expect(await refusal('acme/alone')).toMatch(/^NoModelFile: .*publishes GGUF files\.$/);
  });

  it('is searched for with the token, as it was listed', async () => {
    await refusal(base, {}, testToken);
    const search = hub.requests.find(({ path }) => path.startsWith('/api/models?'));
    expect(search).toMatchObject({ authorization: `Bearer ${testToken}`, status: 200 });
  });

  it.each<[string, number, string]>([
    ['refuses it', 404, ''],
    ['is broken', 500, ''],
    ['answers something else', 200, '<html>'],
    ['names no repositories', 200, JSON.stringify([{ id: '../../etc' }, { id: 'a b/c' }, {}, { id: 7 }])],
  ])('is refused without where the search %s, which is asked once', async (_what, status, body) => {
    let searches = 0;
    const server = await listen((request, response) => {
      if (request.url?.startsWith('/api/models?')) {
        searches += 1;
        response.writeHead(status).end(body);
      } else response.end(request.url?.includes('/tree/') ? '[]' : JSON.stringify({ sha: 'c'.repeat(40) }));
    });
    expect(await refusal(base, { endpoint: server.url })).toMatch(/^NoModelFile: .*publishes GGUF files\.$/);
    expect(searches).toBe(1);
    server.close();
  });
});
