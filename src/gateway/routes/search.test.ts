import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { standard, standardRepos } from '../../../test/hub/content.ts';
import { startHub, type Hub } from '../../../test/hub/hub.ts';
import { publicRegistry } from '../../api/source.ts';
import type { Writing } from '../management/objects.ts';
import { startGatewayBefore } from '../testing/world.ts';

let hub: Hub;
beforeAll(async () => {
  hub = await startHub({ repos: standardRepos(), pageSize: 2 });
});
afterAll(() => hub.close());

const unused = (): Promise<never> => Promise.reject(new Error('nothing is written by a search'));
const client: Writing['client'] = { create: unused, delete: unused, managersOf: unused };

async function searching(endpoint = hub.url) {
  const origins = { hub: endpoint, registry: publicRegistry, endpoints: [] };
  const management = { client, namespace: 'team', gpus: 1, ...origins };
  const { url } = await startGatewayBefore(onTestFinished, [], { management });
  return async (path: string): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`${url}/models/search${path}`);
    return { status: answer.status, body: await answer.json() };
  };
}

describe('a search', { timeout: 30_000 }, () => {
  it('lists repositories of a hub that have GGUF files, as many as are asked for', async () => {
    const get = await searching();
    const { status, body } = await get('?q=gemma&limit=1');
    expect(status).toBe(200);
    expect(body).toEqual({
      endpoint: hub.url,
      models: [
        expect.objectContaining({
          name: standard.gemma.repo,
          source: 'huggingface',
          downloads: expect.any(Number) as number,
          likes: expect.any(Number) as number,
          gated: false,
        }),
      ],
    });
    expect((await get('?q=nothing-like-it')).body).toEqual({ endpoint: hub.url, models: [] });
  });

  it('goes by author, license and order', async () => {
    const get = await searching();
    const names = async (query: string) => {
      const { models } = (await get(query)).body as { models: { name: string }[] };
      return models.map(({ name }) => name);
    };
    expect(await names('?license=apache-2.0')).toEqual([standard.twoQuants.repo]);
    expect(await names('?author=nobody')).toEqual([]);
    expect(await names('?author=longshore&license=gemma&sort=likes')).toEqual([standard.gemma.repo]);
  });

  it('shows what is in a repository, with the size of each quantization', async () => {
    const get = await searching();
    expect((await get(`/${standard.gemma.repo}`)).body).toMatchObject({
      name: standard.gemma.repo,
      quantizations: [{ file: standard.gemma.file, size: expect.any(Number) as number }],
    });
  });

  it.each([
    ['/nobody/nothing', 404, 'not_found'],
    ['?source=ollama', 400, 'invalid_request'],
    ['?limit=1000', 400, 'invalid_request'],
    ['?sort=size', 400, 'invalid_request'],
    ['?author=a/b', 400, 'invalid_request'],
    ['?page=2', 400, 'invalid_request'],
    ['/..%2f..%2fapi/x', 400, 'invalid_request'],
  ])('of %s is answered with %i', async (path, status, code) => {
    const get = await searching();
    expect(await get(path)).toMatchObject({ status, body: { error: { code } } });
  });

  it('says that a hub cannot be reached', async () => {
    const get = await searching('http://127.0.0.1:1');
    expect(await get('?q=x')).toMatchObject({ status: 502, body: { error: { code: 'hub_failed' } } });
  });
});
