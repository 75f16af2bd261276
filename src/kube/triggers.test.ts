import { describe, expect, it } from 'vitest';
import type { Change } from './informer.ts';
import { formatKey, type KubeObject, type Live, type Ref } from './kind.ts';
import type { Priority } from './priority.ts';
import { widgets } from './testing/widgets.ts';
import {
  itself,
  labelled,
  ownerOf,
  referred,
  referrers,
  related,
  trigger,
  unless,
  type Trigger,
} from './triggers.ts';

type Metadata = Partial<Live<KubeObject>['metadata']>;
/** An object of any kind that refers to others by name. */
type Gadget = KubeObject & { uses?: string; status?: { observedGeneration?: number } };

function gadget(name: string, metadata: Metadata = {}, rest: Omit<Gadget, 'metadata'> = {}): Live<Gadget> {
  const own = { name, namespace: 'ns', uid: `uid-of-${name}`, resourceVersion: '1', generation: 1 };
  return { ...rest, metadata: { ...own, ...metadata } };
}
const using = (uses: string): Live<Gadget> => gadget('g', {}, { uses });

const added = (object: Live<Gadget>): Change<Gadget> => ({ type: 'added', object });
const initial = (object: Live<Gadget>): Change<Gadget> => ({ type: 'added', object, initial: true });
const deleted = (object: Live<Gadget>): Change<Gadget> => ({ type: 'deleted', object });
const modified = (object: Live<Gadget>, old: Live<Gadget>): Change<Gadget> => ({
  type: 'modified',
  object,
  old,
});

/** What a change wakes: `ns/name priority`. */
function woken(names: Trigger<Gadget>, change: Change<Gadget>): string[] {
  return names(change).map(({ key, priority }) => `${formatKey(key)} ${priority}`);
}
const uses = ({ metadata, uses: name }: Live<Gadget>): Ref[] =>
  name === undefined ? [] : [{ namespace: metadata.namespace, name }];

describe('trigger', () => {
  it('enqueues what the trigger names of every change, with its priority', () => {
    const handlers: ((change: Change<Gadget>) => void)[] = [];
    const enqueued: [string, Priority][] = [];
    trigger({ onChange: (handler) => handlers.push(handler) }, related(uses), {
      enqueue: (key, priority) => enqueued.push([formatKey(key), priority]),
    });
    for (const handler of handlers)
      for (const change of [initial(using('a')), added(using('b'))]) handler(change);
    expect(enqueued).toEqual([
      ['ns/a', 'backlog'],
      ['ns/b', 'event'],
    ]);
  });
});

describe('the object itself', () => {
  const seen = gadget('g', {}, { status: { observedGeneration: 1 } });

  it.for([
    ['made', added(gadget('g')), 'user'],
    ['given another spec', modified(gadget('g', { generation: 2 }), gadget('g')), 'user'],
    ['given a status', modified(seen, gadget('g')), 'event'],
    ['deleted', deleted(seen), 'event'],
    ['there at the start and looked at', initial(seen), 'backlog'],
    ['there at the start and new to all', initial(gadget('g')), 'event'],
    [
      'there at the start and changed since',
      initial({ ...seen, metadata: gadget('g', { generation: 2 }).metadata }),
      'event',
    ],
  ] as const)('when it was %s', ([, change, priority]) => {
    expect(woken(itself(), change)).toEqual([`ns/g ${priority}`]);
  });
});

describe('what an object refers to', () => {
  it('is told of, not as urgently as what somebody waits for', () => {
    for (const names of [related(uses), referred(uses)]) {
      expect(woken(names, initial(using('a')))).toEqual(['ns/a backlog']);
      expect(woken(names, added(using('a')))).toEqual(['ns/a event']);
      expect(woken(names, deleted(using('a')))).toEqual(['ns/a event']);
      expect(woken(names, added(gadget('g')))).toEqual([]);
    }
  });

  it('is that of before too, for those to whom that matters', () => {
    const turned = modified(using('new'), using('old'));
    expect(woken(related(uses), turned)).toEqual(['ns/new event']);
    expect(woken(referred(uses), turned)).toEqual(['ns/new event', 'ns/old event']);
  });

  it('is left alone when nothing changed that it is about', () => {
    const names = unless<Gadget>((now, before) => now.uses === before.uses, referred(uses));
    expect(woken(names, modified(using('a'), using('a')))).toEqual([]);
    expect(woken(names, modified(using('b'), using('a')))).toEqual(['ns/b event', 'ns/a event']);
    expect(woken(names, added(using('a')))).toEqual(['ns/a event']);
    expect(woken(names, deleted(using('a')))).toEqual(['ns/a event']);
  });
});

describe('what refers to an object', () => {
  const found: Record<string, Live<Gadget>[]> = {
    'uses ns/g': [gadget('one'), gadget('two')],
    'colour red': [gadget('three', { labels: { of: 'four' } })],
  };
  const cache = { by: (index: string, value: string) => found[`${index} ${value}`] ?? [] };

  it('is found by an index of its cache, under namespace and name', () => {
    expect(woken(referrers(cache, 'uses'), added(gadget('g')))).toEqual(['ns/one event', 'ns/two event']);
    expect(woken(referrers(cache, 'uses'), initial(gadget('g')))).toEqual([
      'ns/one backlog',
      'ns/two backlog',
    ]);
    expect(woken(referrers(cache, 'uses'), added(gadget('other')))).toEqual([]);
  });

  it('is found under another value, and may stand for what it belongs to', () => {
    const names = referrers(cache, 'colour', { under: () => 'red', to: labelled('of') });
    expect(woken(names, deleted(gadget('g')))).toEqual(['ns/four event']);
  });
});

describe('the owner of an object', () => {
  const owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'u', controller: true };
  const owned = (more: Partial<typeof owner>) => gadget('g', { ownerReferences: [{ ...owner, ...more }] });

  it.for([
    ['controls it', owned({}), ['ns/w']],
    ['is of another version', owned({ apiVersion: 'example.com/v2' }), ['ns/w']],
    ['is of another group', owned({ apiVersion: 'example.org/v1' }), []],
    ['is of another kind', owned({ kind: 'Job' }), []],
    ['does not control it', owned({ controller: false }), []],
    ['is not there', gadget('g'), []],
  ] as const)('that %s', ([, object, keys]) => {
    expect(ownerOf(widgets)(object).map(formatKey)).toEqual(keys);
  });
});

describe('the object that a label names', () => {
  it('is one of the same namespace', () => {
    expect(labelled('of')(gadget('g', { labels: { of: 'a', other: 'b' } })).map(formatKey)).toEqual(['ns/a']);
    expect(labelled('of')(gadget('g'))).toEqual([]);
  });
});
