import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyGguf } from '../../../test/hub/gguf.ts';
import { startHub, type Hub } from '../../../test/hub/hub.ts';
import { inspectRepository, searchModels, type SearchFilters } from './search.ts';

const card = (license: string): string => `---\nlicense: ${license}\n---\n`;
const repo = (id: string, license: string, downloads: number, likes: number) => ({
  id,
  downloads,
  likes,
  files: { 'README.md': card(license), 'm-Q4_K_M.gguf': tinyGguf({ name: id }) },
});

let hub: Hub;
beforeAll(async () => {
  hub = await startHub({
    repos: [
      repo('acme/one-gguf', 'mit', 10, 900),
      repo('acme/two-gguf', 'apache-2.0', 300, 20),
      repo('other/one-gguf', 'apache-2.0', 200, 30),
      { id: 'acme/weights', downloads: 5000, files: { 'README.md': card('mit'), 'model.safetensors': 'x' } },
    ],
  });
});
afterAll(() => hub.close());

const named = async (query: string, filters?: SearchFilters, limit = 20): Promise<string[]> => {
  const found = await searchModels({ endpoint: hub.url, fetch }, query, limit, filters);
  return found.map(({ name }) => name);
};

describe('a search on a hub', () => {
  it.each<[string, SearchFilters, string[]]>([
    ['', {}, ['acme/two-gguf', 'other/one-gguf', 'acme/one-gguf']],
    ['one', {}, ['other/one-gguf', 'acme/one-gguf']],
    ['', { sort: 'likes' }, ['acme/one-gguf', 'other/one-gguf', 'acme/two-gguf']],
    ['', { author: 'acme' }, ['acme/two-gguf', 'acme/one-gguf']],
    ['', { license: 'Apache-2.0' }, ['acme/two-gguf', 'other/one-gguf']],
    ['one', { author: 'acme', license: 'apache-2.0' }, []],
  ])('for "%s" with %j finds %j', async (query, filters, names) => {
    expect(await named(query, filters)).toEqual(names);
  });

  it('asks the hub for what was changed last by its own word for it', async () => {
    await named('', { sort: 'updated' });
    expect(hub.requests.at(-1)?.path).toContain('sort=lastModified');
  });

  it('finds no more than it was asked for', async () => {
    expect(await named('', {}, 1)).toEqual(['acme/two-gguf']);
  });

  it('shows the quantizations of a repository', async () => {
    const found = await inspectRepository({ endpoint: hub.url, fetch }, 'acme/two-gguf');
    expect(found).toMatchObject({ license: 'apache-2.0', quantizations: [{ quantization: 'Q4_K_M' }] });
  });
});
