import { expect, it } from 'vitest';
import { startGateway, type Answer } from '../testing/stand-ins.ts';
import { gatewayFinder } from './finder.ts';

const told = {
  name: 'Qwen/Qwen3-8B-GGUF',
  downloads: 1200,
  likes: 3,
  license: 'apache-2.0',
  gated: true,
  updated_at: '2026-11-01T00:00:00.000Z',
};
const read = {
  name: 'Qwen/Qwen3-8B-GGUF',
  downloads: 1200,
  likes: 3,
  license: 'apache-2.0',
  isGated: true,
  updatedAt: new Date('2026-11-01'),
};

async function asking(body: unknown) {
  const always: Answer = { status: 200, body };
  const gateway = await startGateway({}, { always });
  return { gateway, finder: gatewayFinder({ server: gateway.url }) };
}

it('has the gateway search by all that was asked, and says which hub it was', async () => {
  const { gateway, finder } = await asking({ endpoint: 'https://hub.internal', models: [told] });
  await using _ = gateway;
  expect(await finder.search('qwen 8b', 5, { author: 'Qwen', license: 'apache-2.0', sort: 'likes' })).toEqual(
    {
      endpoint: 'https://hub.internal',
      models: [read],
    },
  );
  expect(Object.fromEntries(gateway.asked.at(-1)?.query ?? [])).toEqual({
    q: 'qwen 8b',
    limit: '5',
    author: 'Qwen',
    license: 'apache-2.0',
    sort: 'likes',
  });
  await finder.search('qwen', 5, {});
  expect([...(gateway.asked.at(-1)?.query.keys() ?? [])]).toEqual(['q', 'limit']);
});

it('has it look into one repository', async () => {
  const quantizations = [{ quantization: 'Q4_K_M', file: 'a.gguf', size: 5 }];
  const { gateway, finder } = await asking({ ...told, quantizations });
  await using _ = gateway;
  expect(await finder.inspect('Qwen/Qwen3-8B-GGUF')).toEqual({
    ...read,
    quantizations: [{ quantization: 'Q4_K_M', path: 'a.gguf', sizeBytes: 5 }],
  });
  expect(gateway.asked.at(-1)?.path).toBe('/models/search/Qwen/Qwen3-8B-GGUF');
});
