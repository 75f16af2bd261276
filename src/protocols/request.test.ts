import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { requestOf, unasked, unaskedOr, unaskedOrEmpty } from './request.ts';

const Request = requestOf({
  works: { temperature: z.number().nullish(), n: z.int().nullish() },
  ignored: { user: 'Nobody is told apart.' },
  refused: {
    best_of: { neutral: unaskedOr(1), message: 'Not supported.' },
    audio: { neutral: unasked, message: 'No sound.' },
    functions: { neutral: unaskedOrEmpty, message: 'Superseded.' },
  },
});

const wrong = (body: unknown) =>
  Request.safeParse(body).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);

describe('a request', () => {
  it.each([
    { temperature: 1, user: { any: 'thing' } },
    { best_of: 1, audio: null, functions: null },
    { functions: [] },
    { functions: {} },
  ])('may be %j', (body) => {
    expect(wrong(body)).toBeUndefined();
  });

  it.each([
    [{ best_of: 2 }, 'best_of: Not supported.'],
    [{ audio: false }, 'audio: No sound.'],
    [{ functions: 5 }, 'functions: Superseded.'],
    [{ functions: [{}] }, 'functions: Superseded.'],
    [{ constructor: 1 }, 'constructor: This server does not know the field.'],
  ])('may not be %j', (body, message) => {
    expect(wrong(body)).toEqual([message]);
  });

  it.each([
    ['temprature', 'temperature'],
    ['temparature', 'temperature'],
    ['tmeperature', 'temperature'],
    ['Temperature', 'temperature'],
    ['temperatures', 'temperature'],
    ['bestof', 'best_of'],
    ['usr', 'user'],
    ['m', undefined],
    ['nn', undefined],
    ['temper', undefined],
    ['warmth', undefined],
  ])('that says %s may mean %s', (name, meant) => {
    const expected = meant === undefined ? '.' : `: did you mean ${meant}?`;
    expect(wrong({ [name]: 0 })).toEqual([`${name}: This server does not know the field${expected}`]);
  });
});
