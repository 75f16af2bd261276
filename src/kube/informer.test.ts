import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { InformerWorld, line } from './testing/informer-world.ts';
import { widget } from './testing/widgets.ts';

let world: InformerWorld;
beforeEach(async () => {
  world = await InformerWorld.open();
});
afterEach(() => world[Symbol.asyncDispose]());

describe('an informer', () => {
  it('lists, says it has synced, and follows the watch', async () => {
    const informer = world.start({ namespace: 'default', labelSelector: 'a=b' });
    const list = await world.api.requests.next();
    expect(list.path).toBe('/apis/example.com/v1/namespaces/default/widgets');
    expect(list.query.get('labelSelector')).toBe('a=b');
    list.answer(200, { metadata: { resourceVersion: '10' }, items: [widget('a', 1)] });
    await informer.synced();
    expect(await world.told(1)).toEqual(['added a 1']);

    const watch = await world.watchFrom(10);
    expect(watch.query.get('labelSelector')).toBe('a=b');
    watch.write(line('ADDED', widget('b', 11)) + line('MODIFIED', widget('a', 12, { size: 2 })));
    expect(await world.told(2)).toEqual(['added b 1', 'modified a 2']);
    expect(
      informer
        .list('default')
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual(['a', 'b']);
    watch.write(line('DELETED', widget('a', 13, { size: 3 })));
    expect(await world.told(1)).toEqual(['deleted a 3']);
    expect(informer.get('default', 'a')).toBeUndefined();
  });

  it('keeps what the schema makes of an object and its metadata, less what only writers need', async () => {
    const informer = world.start();
    await world.answerList(10, widget('a', 1, { owner: 'u-owner' }));
    await informer.synced();
    const object = informer.get('default', 'a');
    expect(object).toMatchObject({ apiVersion: 'example.com/v1', kind: 'Widget', spec: { color: 'red' } });
    expect(object?.metadata.finalizers).toEqual(['example.com/keep']);
    expect(object?.metadata.annotations).toEqual({ 'example.com/note': 'kept' });
    expect(object?.metadata).not.toHaveProperty('managedFields');
  });

  it('keeps of an object what prune leaves, in whatever way it comes', async () => {
    const informer = world.start({
      prune: ({ spec: { size }, ...rest }) => ({ ...rest, spec: { size, color: 'pruned' } }),
      indexes: { byColor: ({ spec }) => [spec.color] },
    });
    await world.answerList(10, widget('a', 1));
    expect(await world.told(1)).toEqual(['added a 1']);
    (await world.watchFrom(10)).write(line('ADDED', widget('b', 11)) + line('MODIFIED', widget('a', 12)));
    expect(await world.told(2)).toEqual(['added b 1', 'modified a 1']);
    informer.observe({ ...widget('c', 13), spec: { size: 1, color: 'red' } });
    expect(informer.by('byColor', 'pruned')).toHaveLength(3);
  });

  it('says which objects were there before', async () => {
    const informer = world.start();
    const initial: string[] = [];
    const note = (late: string) =>
      informer.onChange((change) => {
        if (change.type === 'added')
          initial.push(`${late}${change.object.metadata.name} ${change.initial ?? false}`);
      });
    note('');
    await world.answerList(10, widget('a', 1));
    const watch = await world.watchFrom(10);
    watch.write(line('ADDED', widget('b', 11)));
    expect(await world.told(2)).toHaveLength(2);
    expect(initial).toEqual(['a true', 'b false']);
    note('late: ');
    expect(initial.slice(2)).toEqual(['late: a true', 'late: b true']);
  });

  it('finds by owner and by the indexes it was given, also after changes', async () => {
    const informer = world.start({ indexes: { bySize: ({ spec }) => [String(spec.size)] } });
    await world.answerList(10, widget('a', 1, { owner: 'o1' }), widget('b', 2, { owner: 'o2', size: 2 }));
    await informer.synced();
    const names = (objects: { metadata: { name: string } }[]) => objects.map(({ metadata }) => metadata.name);
    expect(names(informer.byOwner('o1'))).toEqual(['a']);
    expect(names(informer.by('bySize', '2'))).toEqual(['b']);
    expect(await world.told(2)).toEqual(['added a 1', 'added b 2']);
    (await world.watchFrom(10)).write(line('MODIFIED', widget('a', 11, { owner: 'o2', size: 2 })));
    expect(await world.told(1)).toEqual(['modified a 2']);
    expect(names(informer.byOwner('o1'))).toEqual([]);
    expect(names(informer.byOwner('o2')).sort()).toEqual(['a', 'b']);
    expect(informer.by('bySize', '1')).toEqual([]);
    expect(() => informer.by('nope', '')).toThrow('no index');
  });

  it('tells a handler that comes late of what is there, and survives one that throws', async () => {
    const informer = world.start();
    informer.onChange(() => {
      throw new Error('mine');
    });
    await world.answerList(10, widget('a', 1));
    await informer.synced();
    const late: string[] = [];
    const forget = informer.onChange(({ type, object }) => late.push(`${type} ${object.metadata.name}`));
    expect(late).toEqual(['added a']);
    forget();
    (await world.watchFrom(10)).write(line('MODIFIED', widget('a', 11, { size: 2 })));
    expect(await world.told(2)).toEqual(['added a 1', 'modified a 2']);
    expect(late).toEqual(['added a']);
    expect(world.log.lines.filter((each) => each === 'error: change handler threw')).toHaveLength(2);
  });

  it('of a kind that the server may be without is empty and synced there, and looks for it again', async () => {
    const informer = world.start({ optional: true });
    (await world.listed()).answer(404, {});
    await informer.synced();
    expect(informer.list()).toEqual([]);
    expect(world.log.lines).toEqual(['debug: the API server does not have this kind']);
    expect(await world.wake()).toBe(600_000);
    await world.answerList(10, widget('a', 1));
    expect(await world.told(1)).toEqual(['added a 1']);

    // It goes as it came: a definition may be deleted.
    (await world.watchFrom(10)).answer(404, {});
    expect(await world.told(1)).toEqual(['deleted a 1']);
    expect(await world.wake()).toBe(600_000);
    await world.answerList(12);
  });

  it('stops when told, in the midst of a watch', async () => {
    world.start();
    await world.answerList(10);
    await world.watchFrom(10);
    await world.stop();
    expect(world.log.lines).toEqual([]);
  });
});

describe('an object that the schema rejects', () => {
  it('is reported once per version, kept out of the cache, and stops nothing', async () => {
    const reported: string[] = [];
    const informer = world.start({
      onInvalid: ({ metadata }, error) => {
        reported.push(`${metadata.name} ${metadata.resourceVersion} ${error instanceof Error}`);
      },
    });
    await world.answerList(10, widget('bad', 1, { size: 'huge' }), widget('good', 2));
    expect(await world.told(1)).toEqual(['added good 1']);
    expect(informer.get('default', 'bad')).toBeUndefined();
    expect(informer.invalid().map(({ metadata }) => metadata.name)).toEqual(['bad']);

    const watch = await world.watchFrom(10);
    watch.write(line('MODIFIED', widget('good', 11, { size: 'huge' })) + line('ADDED', widget('next', 12)));
    expect(await world.told(2)).toEqual(['deleted good 1', 'added next 1']);
    watch.write(line('ERROR', { code: 410 }));
    await world.wake();
    await world.answerList(
      20,
      widget('bad', 1, { size: 'huge' }),
      widget('good', 11, { size: 'huge' }),
      widget('next', 12),
    );
    const again = await world.watchFrom(20);
    expect(reported).toEqual(['bad 1 true', 'good 11 true']);

    again.write(
      line('MODIFIED', widget('good', 21, { size: 5 })) + line('DELETED', widget('bad', 22, { size: 'x' })),
    );
    expect(await world.told(1)).toEqual(['added good 5']);
    again.write(line('ADDED', widget('last', 23)));
    expect(await world.told(1)).toEqual(['added last 1']);
    expect(informer.invalid()).toEqual([]);
  });
});
