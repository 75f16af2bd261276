import { describe, expect, it } from 'vitest';
import { samplerGarbage } from './sampler-garbage.ts';

describe('samplerGarbage', () => {
  it('collects after every 32 samplers', () => {
    let collected = 0;
    const sampled = samplerGarbage(() => collected++);
    for (let i = 0; i < 31; i++) sampled();
    expect(collected).toBe(0);
    for (let i = 0; i < 33; i++) sampled();
    expect(collected).toBe(2);
  });

  it('frees what nobody holds, with the collector of Node', async () => {
    const freed = Promise.withResolvers<string>();
    const registry = new FinalizationRegistry<string>(freed.resolve);
    registry.register({}, 'freed');
    const sampled = samplerGarbage();
    for (let i = 0; i < 32; i++) sampled();
    await expect(freed.promise).resolves.toBe('freed');
    registry.unregister(registry);
  });
});
