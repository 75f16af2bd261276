import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { connect } from './client.ts';
import type { KubeClient } from './client.ts';
import { Informer } from './informer.ts';
import type { InformerOptions } from './informer.ts';
import type { Kind } from './kind.ts';
import { Channel } from './testing/channel.ts';
import { recordLog } from './testing/logs.ts';
import type { RecordedLog } from './testing/logs.ts';
import { ScriptedApi } from './testing/scripted-api.ts';

const Widget = z.object({
  apiVersion: z.string().optional(),
  kind: z.string().optional(),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ size: z.number(), color: z.string().default('red') }),
});
type Widget = z.infer<typeof Widget>;
const widgets: Kind<Widget> = {
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
  schema: Widget,
};

interface Nap {
  ms: number;
  wake(): void;
}

let api: ScriptedApi;
let client: KubeClient;
let stop: AbortController;
let running: Promise<void>;
let naps: Channel<Nap>;
let changes: Channel<string>;
let log: RecordedLog;

beforeEach(async () => {
  api = new ScriptedApi();
  await api.listen();
  client = connect(api.kubeConfig(), { fieldManager: 'tester' });
  stop = new AbortController();
  naps = new Channel();
  changes = new Channel();
  log = recordLog();
});
afterEach(async () => {
  vi.useRealTimers();
  stop.abort();
  await running;
  await api.close();
  await client.close();
});

const silenceMs = 60_000;

function start(options: Partial<InformerOptions<Widget>> = {}): Informer<Widget> {
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      signal?.addEventListener('abort', () => resolve());
      naps.push({ ms, wake: resolve });
    });
  const timing = { sleep, silenceMs, random: () => 0 };
  const informer = new Informer({ client, kind: widgets, log, timing, ...options });
  informer.onChange(({ type, object }) =>
    changes.push(`${type} ${object.metadata.name} ${object.spec.size}`),
  );
  running = informer.start(stop.signal);
  return informer;
}

function widget(
  name: string,
  resourceVersion: number,
  rest: { size?: unknown; uid?: string; owner?: string } = {},
) {
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: rest.owner ?? 'none' };
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: rest.uid ?? `uid-${name}`,
      resourceVersion: String(resourceVersion),
      finalizers: ['example.com/keep'],
      ownerReferences: [owner],
      managedFields: [{ manager: 'm' }],
    },
    spec: { size: rest.size ?? 1 },
  };
}

const line = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

async function answerList(resourceVersion: number, ...items: object[]): Promise<void> {
  const request = await api.requests.next();
  expect(request.query.has('watch')).toBe(false);
  request.answer(200, { metadata: { resourceVersion: String(resourceVersion) }, items });
}

/** The next request, which must be a watch from this resource version. */
async function watchFrom(resourceVersion: number) {
  const request = await api.requests.next();
  expect(Object.fromEntries(request.query)).toMatchObject({
    watch: 'true',
    allowWatchBookmarks: 'true',
    timeoutSeconds: '300',
    resourceVersion: String(resourceVersion),
  });
  return request;
}

async function wake(): Promise<number> {
  const nap = await naps.next();
  nap.wake();
  return nap.ms;
}

const expectChanges = async (...expected: string[]): Promise<void> => {
  for (const each of expected) expect(await changes.next()).toBe(each);
  expect(changes.length).toBe(0);
};

describe('an informer', () => {
  it('lists, says it has synced, and follows the watch', async () => {
    const informer = start({ namespace: 'default', labelSelector: 'a=b' });
    const list = await api.requests.next();
    expect(list.path).toBe('/apis/example.com/v1/namespaces/default/widgets');
    expect(list.query.get('labelSelector')).toBe('a=b');
    list.answer(200, { metadata: { resourceVersion: '10' }, items: [widget('a', 1)] });
    await informer.synced();
    await expectChanges('added a 1');

    const watch = await watchFrom(10);
    expect(watch.query.get('labelSelector')).toBe('a=b');
    watch.write(line('ADDED', widget('b', 11)) + line('MODIFIED', widget('a', 12, { size: 2 })));
    await expectChanges('added b 1', 'modified a 2');
    expect(
      informer
        .list('default')
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual(['a', 'b']);
    watch.write(line('DELETED', widget('a', 13, { size: 3 })));
    await expectChanges('deleted a 3');
    expect(informer.get('default', 'a')).toBeUndefined();
  });

  it('keeps what the schema makes of an object, its whole metadata, and no managedFields', async () => {
    const informer = start();
    await answerList(10, widget('a', 1, { owner: 'u-owner' }));
    await informer.synced();
    const object = informer.get('default', 'a');
    expect(object).toMatchObject({ apiVersion: 'example.com/v1', kind: 'Widget', spec: { color: 'red' } });
    expect(object?.metadata.finalizers).toEqual(['example.com/keep']);
    expect(object?.metadata).not.toHaveProperty('managedFields');
  });

  it('finds by owner and by the indexes it was given, also after changes', async () => {
    const informer = start({ indexes: { bySize: ({ spec }) => [String(spec.size)] } });
    await answerList(10, widget('a', 1, { owner: 'o1' }), widget('b', 2, { owner: 'o2', size: 2 }));
    await informer.synced();
    const names = (objects: { metadata: { name: string } }[]) => objects.map(({ metadata }) => metadata.name);
    expect(names(informer.byOwner('o1'))).toEqual(['a']);
    expect(names(informer.by('bySize', '2'))).toEqual(['b']);
    await expectChanges('added a 1', 'added b 2');
    (await watchFrom(10)).write(line('MODIFIED', widget('a', 11, { owner: 'o2', size: 2 })));
    await expectChanges('modified a 2');
    expect(names(informer.byOwner('o1'))).toEqual([]);
    expect(names(informer.byOwner('o2')).sort()).toEqual(['a', 'b']);
    expect(informer.by('bySize', '1')).toEqual([]);
    expect(() => informer.by('nope', '')).toThrow('no index');
  });

  it('tells a handler that comes late of what is there, and survives one that throws', async () => {
    const informer = start();
    informer.onChange(() => {
      throw new Error('mine');
    });
    await answerList(10, widget('a', 1));
    await informer.synced();
    const late: string[] = [];
    const forget = informer.onChange(({ type, object }) => late.push(`${type} ${object.metadata.name}`));
    expect(late).toEqual(['added a']);
    forget();
    (await watchFrom(10)).write(line('MODIFIED', widget('a', 11, { size: 2 })));
    await expectChanges('added a 1', 'modified a 2');
    expect(late).toEqual(['added a']);
    expect(log.lines.filter((each) => each === 'error: change handler threw')).toHaveLength(2);
  });

  it('goes on from the last event after a closed watch, without a list or a wait', async () => {
    start();
    await answerList(10);
    const first = await watchFrom(10);
    first.write(line('ADDED', widget('a', 11)));
    first.end();
    await watchFrom(11);
    await expectChanges('added a 1');
    expect(naps.length).toBe(0);
  });

  it('goes on from the last bookmark', async () => {
    start();
    await answerList(10);
    const first = await watchFrom(10);
    first.write(line('BOOKMARK', { metadata: { resourceVersion: '25' } }));
    first.end();
    await watchFrom(25);
    expect(changes.length).toBe(0);
  });

  it('puts together lines and characters that arrive in pieces', async () => {
    const informer = start();
    await answerList(10);
    const watch = await watchFrom(10);
    const object = { ...widget('a', 11), spec: { size: 1, color: 'grün 😀' } };
    for (const byte of Buffer.from(line('ADDED', object))) watch.write(Buffer.from([byte]));
    await expectChanges('added a 1');
    expect(informer.get('default', 'a')?.spec.color).toBe('grün 😀');
  });

  it('drops a line that the connection cut off, and asks for it again', async () => {
    start();
    await answerList(10);
    const first = await watchFrom(10);
    first.write(line('ADDED', widget('a', 11)) + line('ADDED', widget('b', 12)).slice(0, -9));
    await expectChanges('added a 1');
    first.end();
    (await watchFrom(11)).write(line('ADDED', widget('b', 12)));
    expect(await changes.next()).toBe('added b 1');
  });

  it.each(['as an event', 'as an answer'])(
    'lists again after 410 %s and emits what it missed',
    async (how) => {
      const informer = start();
      await answerList(10, widget('a', 1), widget('b', 2), widget('c', 3), widget('same', 4));
      await expectChanges('added a 1', 'added b 1', 'added c 1', 'added same 1');
      const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      const watch = await watchFrom(10);
      if (how === 'as an event') {
        watch.write(line('BOOKMARK', { metadata: { resourceVersion: '12' } }) + line('ERROR', expired));
      } else {
        watch.answer(410, expired);
      }
      expect(await wake()).toBe(500);
      const madeAgain = widget('c', 30, { uid: 'another', size: 3 });
      await answerList(31, widget('b', 20, { size: 2 }), madeAgain, widget('d', 21), widget('same', 4));
      await expectChanges('deleted a 1', 'modified b 2', 'deleted c 1', 'added c 3', 'added d 1');
      expect(informer.list()).toHaveLength(4);
      await watchFrom(31);
    },
  );

  it('waits longer and longer when lists do not help', async () => {
    start();
    const waits: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      await answerList(10);
      (await watchFrom(10)).answer(410, {});
      waits.push(await wake());
    }
    expect(waits).toEqual([500, 1000, 2000, 4000]);
  });

  it('outlives a server that is gone for a while: longer waits, then the watch goes on where it was', async () => {
    start();
    await answerList(10, widget('a', 1));
    const watch = await watchFrom(10);
    watch.write(line('MODIFIED', widget('a', 11, { size: 2 })));
    await expectChanges('added a 1', 'modified a 2');
    await api.close();
    const waits = [await wake(), await wake(), await wake()];
    const last = await naps.next();
    expect([...waits, last.ms]).toEqual([500, 1000, 2000, 4000]);
    await api.listen();
    last.wake();
    const again = await watchFrom(11);
    again.write(line('MODIFIED', widget('a', 12, { size: 3 })));
    await expectChanges('modified a 3');
    again.cut();
    expect(await wake()).toBe(500);
    await watchFrom(12);
  });

  it('is not synced before a list has succeeded, and keeps trying', async () => {
    const informer = start();
    let synced = false;
    void informer.synced().then(() => (synced = true));
    (await api.requests.next()).answer(403, { code: 403, reason: 'Forbidden', message: 'no' });
    const nap = await naps.next();
    expect(synced).toBe(false);
    expect(log.lines).toEqual(['warn: list and watch interrupted']);
    nap.wake();
    await answerList(10);
    await informer.synced();
  });

  it('waits as long as the server asks', async () => {
    start();
    await answerList(10);
    (await watchFrom(10)).answer(429, { code: 429, reason: 'TooManyRequests' }, { 'retry-after': '7' });
    expect(await wake()).toBe(7000);
    await watchFrom(10);
  });

  it('gives up the resource version when the server goes on failing on it', async () => {
    start();
    await answerList(10);
    for (let i = 0; i < 5; i += 1) {
      (await watchFrom(10)).answer(500, { code: 500, reason: 'InternalError' });
      await wake();
    }
    await answerList(20);
    await watchFrom(20);
    expect(naps.length).toBe(0);
  });

  it('takes a silent watch for dead and goes on from where it was', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    start();
    await answerList(10);
    const dead = await watchFrom(10);
    vi.advanceTimersByTime(silenceMs - 1);
    dead.write(line('ADDED', widget('a', 11)));
    await expectChanges('added a 1');
    vi.advanceTimersByTime(silenceMs - 1);
    dead.write(line('MODIFIED', widget('a', 12, { size: 2 })));
    await expectChanges('modified a 2');
    vi.advanceTimersByTime(silenceMs);
    expect(await wake()).toBe(500);
    await watchFrom(12);
    expect(log.fields).toMatchObject([{ err: { status: 0, reason: 'Timeout' } }]);
  });

  it('does not hammer a server that closes every watch at once', async () => {
    start();
    await answerList(10);
    const waits: number[] = [];
    for (let i = 0; i < 3; i += 1) {
      (await watchFrom(10)).answer(200, '');
      waits.push(await wake());
    }
    expect(waits).toEqual([500, 1000, 2000]);
  });

  it('stops when told, in the midst of a watch', async () => {
    start();
    await answerList(10);
    await watchFrom(10);
    stop.abort();
    await running;
    expect(log.lines).toEqual([]);
  });
});

describe('an object that the schema rejects', () => {
  it('is reported once per version, kept out of the cache, and stops nothing', async () => {
    const reported: string[] = [];
    const informer = start({
      onInvalid: ({ metadata }, error) => {
        reported.push(`${metadata.name} ${metadata.resourceVersion} ${error instanceof Error}`);
      },
    });
    await answerList(10, widget('bad', 1, { size: 'huge' }), widget('good', 2));
    await expectChanges('added good 1');
    expect(informer.get('default', 'bad')).toBeUndefined();
    expect(informer.invalid().map(({ metadata }) => metadata.name)).toEqual(['bad']);

    const watch = await watchFrom(10);
    watch.write(line('MODIFIED', widget('good', 11, { size: 'huge' })) + line('ADDED', widget('next', 12)));
    await expectChanges('deleted good 1', 'added next 1');
    watch.write(line('ERROR', { code: 410 }));
    await wake();
    await answerList(
      20,
      widget('bad', 1, { size: 'huge' }),
      widget('good', 11, { size: 'huge' }),
      widget('next', 12),
    );
    const again = await watchFrom(20);
    expect(reported).toEqual(['bad 1 true', 'good 11 true']);

    again.write(
      line('MODIFIED', widget('good', 21, { size: 5 })) + line('DELETED', widget('bad', 22, { size: 'x' })),
    );
    await expectChanges('added good 5');
    again.write(line('ADDED', widget('last', 23)));
    await expectChanges('added last 1');
    expect(informer.invalid()).toEqual([]);
  });
});
