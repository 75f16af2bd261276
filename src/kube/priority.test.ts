import { describe, expect, it } from 'vitest';
import type { Change } from './informer.ts';
import type { KubeObject, Live } from './kind.ts';
import { priorityAbout, priorityOf } from './priority.ts';

type Metadata = Partial<Live<KubeObject>['metadata']>;

function widget(metadata: Metadata = {}): Live<KubeObject> {
  return { metadata: { name: 'w', uid: 'u', resourceVersion: '2', generation: 1, ...metadata } };
}
const modified = (metadata: Metadata): Change<KubeObject> => ({
  type: 'modified',
  object: widget({ resourceVersion: '3', ...metadata }),
  old: widget(),
});

describe('the priority of a change', () => {
  it.each<[string, Change<KubeObject>, string, string]>([
    ['a new object', { type: 'added', object: widget() }, 'user', 'event'],
    ['an object that was there', { type: 'added', object: widget(), initial: true }, 'backlog', 'backlog'],
    ['another spec', modified({ generation: 2 }), 'user', 'event'],
    ['the wish to have it gone', modified({ deletionTimestamp: '2030-01-01T00:00:00Z' }), 'user', 'event'],
    ['another status', modified({}), 'event', 'event'],
    ['another label', modified({ labels: { a: 'b' } }), 'event', 'event'],
    ['its end', { type: 'deleted', object: widget() }, 'event', 'event'],
  ])('%s', (_, change, forItself, forOthers) => {
    expect(priorityOf(change)).toBe(forItself);
    expect(priorityAbout(change)).toBe(forOthers);
  });
});
