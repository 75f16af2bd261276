import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InformerWorld, line } from './testing/informer-world.ts';
import { widget } from './testing/widgets.ts';

let world: InformerWorld;
beforeEach(async () => {
  world = await InformerWorld.open();
});
afterEach(() => world[Symbol.asyncDispose]());

const bookmark = (resourceVersion: number, annotations?: object): string =>
  line('BOOKMARK', { metadata: { resourceVersion: String(resourceVersion), annotations } });
const end = (resourceVersion: number): string =>
  bookmark(resourceVersion, { 'k8s.io/initial-events-end': 'true' });
const refusal = { kind: 'Status', code: 422, reason: 'Invalid', message: 'sendInitialEvents is forbidden' };
const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };

describe('a list', () => {
  it('is there before an informer has synced, however often it fails', async () => {
    const informer = world.start();
    let synced = false;
    void informer.synced().then(() => (synced = true));
    (await world.listed()).answer(403, { code: 403, reason: 'Forbidden', message: 'no' });
    const nap = await world.naps.next();
    expect(synced).toBe(false);
    expect(world.log.lines).toEqual(['warn: list and watch interrupted']);
    nap.wake();
    await world.answerList(10);
    await informer.synced();
  });

  it.each(['as an event', 'as an answer'])(
    'comes again after 410 %s, and what it shows to have been missed is told',
    async (how) => {
      const informer = world.start();
      await world.answerList(10, widget('a', 1), widget('b', 2), widget('c', 3), widget('same', 4));
      expect(await world.told(4)).toEqual(['added a 1', 'added b 1', 'added c 1', 'added same 1']);
      const watch = await world.watchFrom(10);
      if (how === 'as an event') {
        watch.write(line('BOOKMARK', { metadata: { resourceVersion: '12' } }) + line('ERROR', expired));
      } else {
        watch.answer(410, expired);
      }
      expect(await world.wake()).toBe(500);
      const madeAgain = widget('c', 30, { uid: 'another', size: 3 });
      await world.answerList(31, widget('b', 20, { size: 2 }), madeAgain, widget('d', 21), widget('same', 4));
      expect(await world.told(5)).toEqual([
        'deleted a 1',
        'modified b 2',
        'deleted c 1',
        'added c 3',
        'added d 1',
      ]);
      expect(informer.list()).toHaveLength(4);
      await world.watchFrom(31);
    },
  );

  it('is waited for longer and longer when it does not help', async () => {
    world.start();
    const waits: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      await world.answerList(10);
      (await world.watchFrom(10)).answer(410, {});
      waits.push(await world.wake());
    }
    expect(waits).toEqual([500, 1000, 2000, 4000]);
  });

  it('comes by pages', async () => {
    const informer = world.start({ labelSelector: 'a=b' });
    const first = await world.listed();
    expect(Object.fromEntries(first.query)).toEqual({ limit: '500', labelSelector: 'a=b' });
    first.answer(200, page(10, 'more', widget('a', 1)));
    const second = await world.listed();
    expect(Object.fromEntries(second.query)).toEqual({
      limit: '500',
      labelSelector: 'a=b',
      continue: 'more',
    });
    expect(world.changes.length).toBe(0);
    second.answer(200, page(10, '', widget('b', 2)));
    await informer.synced();
    expect(await world.told(2)).toEqual(['added a 1', 'added b 1']);
    await world.watchFrom(10);
  });

  it('comes at once when the server has forgotten where the pages were, with nothing of those before', async () => {
    world.start();
    (await world.listed()).answer(200, page(10, 'more', widget('a', 1), widget('gone', 2)));
    (await world.listed()).answer(410, expired);
    const whole = await world.listed();
    expect(Object.fromEntries(whole.query)).toEqual({});
    whole.answer(200, page(20, '', widget('a', 15, { size: 2 })));
    expect(await world.told(1)).toEqual(['added a 2']);
    await world.watchFrom(20);
    expect(world.naps.length).toBe(0);
  });
});

describe('a streamed list', () => {
  it('is told of when it is whole, and goes on as the watch that it is', async () => {
    const informer = world.start({ streamLists: true, namespace: 'default', labelSelector: 'a=b' });
    const stream = await world.streamed();
    expect(stream.path).toBe('/apis/example.com/v1/namespaces/default/widgets');
    expect(stream.query.get('labelSelector')).toBe('a=b');
    stream.write(
      line('ADDED', widget('b', 7)) + line('ADDED', widget('a', 3)) + line('ADDED', widget('c', 5)),
    );
    stream.write(line('MODIFIED', widget('a', 8, { size: 2 })) + line('DELETED', widget('c', 9)));
    // A byte after the other: what is after the end must not be looked for in the same chunk.
    for (const byte of Buffer.from(end(9))) stream.write(Buffer.from([byte]));
    await informer.synced();
    expect(await world.told(2)).toEqual(['added b 1', 'added a 2']);
    stream.write(line('MODIFIED', widget('b', 10, { size: 3 })) + bookmark(30));
    expect(await world.told(1)).toEqual(['modified b 3']);
    stream.end();
    await world.watchFrom(30);
    expect(world.naps.length).toBe(0);
  });

  it('finds what was deleted, changed and made while there was no watch', async () => {
    const informer = world.start({ streamLists: true });
    const stream = await world.streamed();
    stream.write(
      line('ADDED', widget('a', 1)) + line('ADDED', widget('b', 2)) + line('ADDED', widget('same', 3)),
    );
    stream.write(end(10));
    expect(await world.told(3)).toHaveLength(3);
    const same = informer.get('default', 'same');
    stream.write(line('ERROR', expired));
    await world.wake();
    const again = await world.streamed();
    again.write(line('ADDED', widget('b', 12, { size: 2 })) + line('ADDED', widget('same', 3)));
    again.write(line('ADDED', widget('d', 11)));
    expect(world.changes.length).toBe(0);
    again.write(end(12));
    expect(await world.told(3)).toEqual(['deleted a 1', 'modified b 2', 'added d 1']);
    expect(informer.get('default', 'same')).toBe(same);
  });

  it.each([400, 422])(
    'gives way to pages where the server refuses it with %s, for good and at once',
    async (code) => {
      world.start({ streamLists: true });
      (await world.streamed()).answer(code, { ...refusal, code });
      await world.answerList(10, widget('a', 1));
      (await world.watchFrom(10)).answer(410, expired);
      await world.wake();
      await world.answerList(20, widget('a', 1));
      await world.watchFrom(20);
      expect(await world.told(1)).toEqual(['added a 1']);
      expect(world.naps.length).toBe(0);
      expect(world.log.lines).toEqual([
        'debug: lists are not streamed here',
        'warn: list and watch interrupted',
      ]);
    },
  );

  it('gives way to pages where the server takes it for any watch', async () => {
    world.start({ streamLists: true });
    (await world.streamed()).write(line('ADDED', widget('a', 1)) + bookmark(5));
    await world.answerList(10, widget('a', 1));
    await world.watchFrom(10);
    expect(await world.told(1)).toEqual(['added a 1']);
  });

  it('that breaks off is told nothing of, and followed by pages; the one after is streamed again', async () => {
    world.start({ streamLists: true });
    const broken = await world.streamed();
    broken.write(line('ADDED', widget('a', 1)));
    broken.cut();
    expect(await world.wake()).toBe(500);
    await world.answerList(10, widget('b', 2));
    expect(await world.told(1)).toEqual(['added b 1']);
    (await world.watchFrom(10)).answer(410, expired);
    await world.wake();
    (await world.streamed()).end();
    await world.wake();
    expect(world.log.fields.at(-1)).toMatchObject({
      err: { message: expect.stringContaining('ended before') as string },
    });
    await world.answerList(20);
    expect(await world.told(1)).toEqual(['deleted b 1']);
  });

  it('is waited for longer and longer while the server is overloaded', async () => {
    world.start({ streamLists: true });
    (await world.streamed()).answer(429, { code: 429, reason: 'TooManyRequests' }, { 'retry-after': '7' });
    expect(await world.wake()).toBe(7000);
    await world.answerList(10);
    await world.watchFrom(10);
  });
});

function page(resourceVersion: number, more: string, ...items: object[]): object {
  return { metadata: { resourceVersion: String(resourceVersion), continue: more }, items };
}
