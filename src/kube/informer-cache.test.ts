import { beforeEach, describe, expect, it } from 'vitest';
import { InformerCache } from './informer-cache.ts';
import { liveWidget, widgets, type Widget, type WidgetChoices } from './testing/widgets.ts';
import type { Live } from './kind.ts';

let cache: InformerCache<Widget>;
let told: string[];
const observe = (name: string, version: number, choices?: WidgetChoices) =>
  cache.observe(liveWidget(name, version, choices));
const cached = (name: string) => cache.store.get(`default/${name}`)?.metadata.resourceVersion;

function list(version: number, ...objects: Live<Widget>[]): void {
  const snapshot = cache.snapshot();
  for (const object of objects) snapshot.add(object);
  cache.replace(snapshot, String(version));
}

beforeEach(() => {
  told = [];
  cache = new InformerCache<Widget>({
    kind: widgets,
    indexes: {},
    onChange: ({ type, object }) =>
      told.push(`${type} ${object.metadata.name} ${object.metadata.resourceVersion}`),
    onInvalid: ({ metadata }) => told.push(`invalid ${metadata.name} ${metadata.resourceVersion}`),
  });
  list(10, liveWidget('a', 5));
  told = [];
});

describe('the answer to a write', () => {
  it('is in the cache and told at once, and not again by the watch', () => {
    observe('a', 11);
    observe('b', 12);
    expect(told).toEqual(['modified a 11', 'added b 12']);
    cache.take({ type: 'MODIFIED', object: liveWidget('a', 11) });
    cache.take({ type: 'ADDED', object: liveWidget('b', 12) });
    expect(told).toHaveLength(2);
    cache.take({ type: 'DELETED', object: liveWidget('b', 13) });
    expect(told.slice(2)).toEqual(['deleted b 13']);
  });

  it('is not undone by what others wrote before it', () => {
    observe('a', 13);
    cache.take({ type: 'MODIFIED', object: liveWidget('a', 12) });
    expect(cached('a')).toBe('13');
    cache.take({ type: 'MODIFIED', object: liveWidget('a', 14) });
    expect(told).toEqual(['modified a 13', 'modified a 14']);
  });

  it('changes nothing when it is old by now, in whatever order answers come', () => {
    cache.take({ type: 'MODIFIED', object: liveWidget('a', 12) });
    observe('a', 11);
    observe('a', 12);
    observe('a', 20);
    observe('a', 19);
    expect(told).toEqual(['modified a 12', 'modified a 20']);
  });

  it('does not bring back what the watch told to be gone', () => {
    cache.take({ type: 'DELETED', object: liveWidget('a', 12) });
    observe('a', 11);
    expect(told).toEqual(['deleted a 12']);
  });

  it('does not bring back what was deleted without a watch, and a bookmark passed by', () => {
    list(20);
    observe('a', 15);
    cache.reach('30');
    observe('b', 25);
    expect(told).toEqual(['deleted a 5']);
  });

  it('that took the last finalizer of a deleted object leaves its end to the watch', () => {
    const last = liveWidget('a', 11);
    cache.observe({
      ...last,
      metadata: { ...last.metadata, finalizers: [], deletionTimestamp: '2030-01-01T00:00:00Z' },
    });
    cache.take({ type: 'DELETED', object: liveWidget('a', 11) });
    expect(told).toEqual(['deleted a 11']);
  });

  it('is kept by a list that was asked for before', () => {
    const snapshot = cache.snapshot();
    observe('a', 15);
    observe('b', 16);
    snapshot.add(liveWidget('a', 5));
    cache.replace(snapshot, '14');
    expect(told).toEqual(['modified a 15', 'added b 16']);
    // And not by the next one.
    list(20, liveWidget('a', 15));
    expect(told.slice(2)).toEqual(['deleted b 16']);
  });

  it('gives way to a list of what it was lost in, as after a restored backup', () => {
    observe('a', 1000);
    list(12, liveWidget('a', 5));
    expect(cached('a')).toBe('5');
    cache.take({ type: 'MODIFIED', object: liveWidget('a', 13) });
    expect(cached('a')).toBe('13');
  });

  it('of an object made again is the end of the first one, whose deletion the watch has yet to tell', () => {
    observe('a', 13, { uid: 'another' });
    cache.take({ type: 'DELETED', object: liveWidget('a', 12) });
    cache.take({ type: 'ADDED', object: liveWidget('a', 13, { uid: 'another' }) });
    expect(told).toEqual(['deleted a 5', 'added a 13']);
  });

  it('that the schema rejects is as invalid as from the watch, once', () => {
    observe('a', 11, { size: 'huge' });
    cache.take({ type: 'MODIFIED', object: liveWidget('a', 11, { size: 'huge' }) });
    expect(told).toEqual(['deleted a 5', 'invalid a 11']);
    observe('a', 12);
    expect(told.slice(2)).toEqual(['added a 12']);
    expect(cache.invalid()).toEqual([]);
  });

  it('is left to the watch before there was a list, and where versions are no integers', () => {
    cache = new InformerCache<Widget>({
      kind: widgets,
      indexes: {},
      onChange: () => told.push('changed'),
      onInvalid: () => {},
    });
    observe('a', 11);
    expect(told).toEqual([]);
    cache.replace(cache.snapshot(), 'opaque');
    observe('a', 11);
    expect(told).toEqual([]);
  });

  it('is not changed by the cache', () => {
    const answer = liveWidget('a', 11);
    cache.observe(answer);
    expect(answer).toEqual(liveWidget('a', 11));
  });
});
