import { describe, expect, it } from 'vitest';
import { samplerGarbage } from './sampler-garbage.ts';

describe('samplerGarbage', () => {
  it('collects after every 32 answers', () => {
    let collected = 0;
    const answered = samplerGarbage(() => collected++);
    for (let i = 0; i < 31; i++) answered();
    expect(collected).toBe(0);
    for (let i = 0; i < 33; i++) answered();
    expect(collected).toBe(2);
  });

  it('frees what nobody holds, with the collector of Node', async () => {
    const freed = Promise.withResolvers<string>();
    const registry = new FinalizationRegistry<string>(freed.resolve);
    registry.register({}, 'freed');
    const answered = samplerGarbage();
    for (let i = 0; i < 32; i++) answered();
    await expect(freed.promise).resolves.toBe('freed');
    registry.unregister(registry);
  });
});
