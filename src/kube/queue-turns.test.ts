import { describe, expect, it } from 'vitest';
import { Turns } from './queue-turns.ts';

const taken = (turns: Turns, count: number): (string | undefined)[] =>
  Array.from({ length: count }, () => turns.take());

describe('turns', () => {
  it('go round the namespaces, and each gives its oldest key', () => {
    const turns = new Turns();
    for (const key of ['a/1', 'a/2', 'a/3', 'b/1', 'c/1', 'c/2']) turns.add(key);
    expect(taken(turns, 6)).toEqual(['a/1', 'b/1', 'c/1', 'a/2', 'c/2', 'a/3']);
  });

  it('go on after they had come to an end', () => {
    const turns = new Turns();
    turns.add('a/1');
    expect(taken(turns, 2)).toEqual(['a/1', undefined]);
    turns.add('a/1');
    expect(turns.size).toBe(1);
    expect(taken(turns, 2)).toEqual(['a/1', undefined]);
  });

  it('pass over a namespace whose keys were deleted, which is last when it comes again', () => {
    const turns = new Turns();
    for (const key of ['a/1', 'b/1', 'c/1']) turns.add(key);
    turns.delete('b/1');
    turns.add('b/2');
    expect(turns.size).toBe(3);
    expect(taken(turns, 4)).toEqual(['a/1', 'c/1', 'b/2', undefined]);
  });
});
