import { describe, expect, it } from 'vitest';
import { edges, queued, toldPlace, type Turn } from './turn.ts';

const later: Extract<Turn, { at: 'later' }> = {
  at: 'later',
  since: '2030-01-01T12:00:00.000Z',
  place: 3,
  scope: 'cluster',
  taken: 4,
  allowed: 4,
};

describe('a place in the queue', () => {
  it('is told exactly of the first ten, and by steps of those behind', () => {
    const places = [1, 9, 10, 11, 20, 21, 50, 51, 100, 101, 200, 201, 500, 501, 1000, 4999];
    expect(places.map(toldPlace)).toEqual([
      1, 9, 10, 20, 20, 50, 50, 100, 100, 200, 200, 500, 500, 1000, 1000, 5000,
    ]);
  });

  it('is told otherwise than the one behind it at the edges alone', () => {
    const all = Array.from({ length: 6000 }, (_, index) => index + 1);
    expect(edges(6000)).toEqual(all.filter((place) => toldPlace(place) !== toldPlace(place + 1)));
    expect(edges(3)).toEqual([1, 2, 3]);
    expect(edges(0)).toEqual([]);
  });
});

describe('a pull that waits for its turn', () => {
  it.each([
    [{}, '3rd in the queue; 4 pulls run, of 4 allowed.'],
    [{ place: 1, taken: 1, allowed: 1 }, '1st in the queue; 1 pull runs, of 1 allowed.'],
    [{ place: 2 }, '2nd in the queue; 4 pulls run, of 4 allowed.'],
    [{ place: 10 }, '10th in the queue; 4 pulls run, of 4 allowed.'],
    [{ place: 37 }, 'Among the first 50 in the queue; 4 pulls run, of 4 allowed.'],
    [
      { scope: 'namespace' as const, place: 4, taken: 2, allowed: 2 },
      '4th in the queue of this namespace; 2 pulls run here, of 2 allowed.',
    ],
  ])('with %j says: %s', (more, message) => {
    expect(queued({ ...later, ...more })).toMatchObject({ at: 'waiting', reason: 'Queued', message });
  });

  it('remembers since when, for whoever leads next', () => {
    expect(queued({ ...later, place: 12 }).status).toEqual({
      queue: { since: later.since, position: 20 },
    });
  });
});
