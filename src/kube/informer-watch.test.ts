import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InformerWorld, line } from './testing/informer-world.ts';
import { widget } from './testing/widgets.ts';

let world: InformerWorld;
beforeEach(async () => {
  world = await InformerWorld.open();
});
afterEach(async () => {
  vi.useRealTimers();
  await world[Symbol.asyncDispose]();
});

describe('a watch', () => {
  it('goes on from the last event after a closed watch, without a list or a wait', async () => {
    world.start();
    await world.answerList(10);
    const first = await world.watchFrom(10);
    first.write(line('ADDED', widget('a', 11)));
    first.end();
    await world.watchFrom(11);
    expect(await world.told(1)).toEqual(['added a 1']);
    expect(world.naps.length).toBe(0);
  });

  it('goes on from the last bookmark', async () => {
    world.start();
    await world.answerList(10);
    const first = await world.watchFrom(10);
    first.write(line('BOOKMARK', { metadata: { resourceVersion: '25' } }));
    first.end();
    await world.watchFrom(25);
    expect(world.changes.length).toBe(0);
  });

  it('puts together lines and characters that arrive in pieces', async () => {
    const informer = world.start();
    await world.answerList(10);
    const watch = await world.watchFrom(10);
    const object = { ...widget('a', 11), spec: { size: 1, color: 'grün 😀' } };
    for (const byte of Buffer.from(line('ADDED', object))) watch.write(Buffer.from([byte]));
    expect(await world.told(1)).toEqual(['added a 1']);
    expect(informer.get('default', 'a')?.spec.color).toBe('grün 😀');
  });

  it('drops a line that the connection cut off, and asks for it again', async () => {
    world.start();
    await world.answerList(10);
    const first = await world.watchFrom(10);
    first.write(line('ADDED', widget('a', 11)) + line('ADDED', widget('b', 12)).slice(0, -9));
    expect(await world.told(1)).toEqual(['added a 1']);
    first.end();
    (await world.watchFrom(11)).write(line('ADDED', widget('b', 12)));
    expect(await world.changes.next()).toBe('added b 1');
  });

  it('takes a silent watch for dead and goes on from where it was', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    world.start();
    await world.answerList(10);
    const dead = await world.watchFrom(10);
    vi.advanceTimersByTime(world.silenceMs - 1);
    dead.write(line('ADDED', widget('a', 11)));
    expect(await world.told(1)).toEqual(['added a 1']);
    vi.advanceTimersByTime(world.silenceMs - 1);
    dead.write(line('MODIFIED', widget('a', 12, { size: 2 })));
    expect(await world.told(1)).toEqual(['modified a 2']);
    vi.advanceTimersByTime(world.silenceMs);
    expect(await world.wake()).toBe(500);
    await world.watchFrom(12);
    expect(world.log.fields).toMatchObject([{ err: { status: 0, reason: 'Timeout' } }]);
  });

  it('does not hammer a server that closes every watch at once', async () => {
    world.start();
    await world.answerList(10);
    const waits: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      (await world.watchFrom(10)).answer(200, '');
      waits.push(await world.wake());
    }
    expect(waits).toEqual([500, 1000, 2000]);
  });

  it('outlives a server that is gone for a while: longer waits, then the watch goes on where it was', async () => {
    world.start();
    await world.answerList(10, widget('a', 1));
    const watch = await world.watchFrom(10);
    watch.write(line('MODIFIED', widget('a', 11, { size: 2 })));
    expect(await world.told(2)).toEqual(['added a 1', 'modified a 2']);
    await world.api.close();
    const waits = [await world.wake(), await world.wake(), await world.wake()];
    const last = await world.naps.next();
    expect([...waits, last.ms]).toEqual([500, 1000, 2000, 4000]);
    await world.api.listen();
    last.wake();
    const again = await world.watchFrom(11);
    again.write(line('MODIFIED', widget('a', 12, { size: 3 })));
    expect(await world.told(1)).toEqual(['modified a 3']);
    again.cut();
    expect(await world.wake()).toBe(500);
    await world.watchFrom(12);
  });

  it('waits as long as the server asks', async () => {
    world.start();
    await world.answerList(10);
    (await world.watchFrom(10)).answer(429, { code: 429, reason: 'TooManyRequests' }, { 'retry-after': '7' });
    expect(await world.wake()).toBe(7000);
    await world.watchFrom(10);
  });

  it('gives up the resource version when the server goes on failing on it', async () => {
    world.start();
    await world.answerList(10);
    for (let i = 0; i < 5; i += 1) {
      (await world.watchFrom(10)).answer(500, { code: 500, reason: 'InternalError' });
      await world.wake();
    }
    await world.answerList(20);
    await world.watchFrom(20);
    expect(world.naps.length).toBe(0);
  });
});
