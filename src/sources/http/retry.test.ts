import { describe, expect, it } from 'vitest';
import { restSeconds, waitMs } from './retry.ts';

const date = 'Wed, 02 Jan 2030 03:04:05 GMT';

describe('a source that asks for rest', () => {
  it.each([
    ['seconds', { 'retry-after': '12' }, 12],
    ['none', { 'retry-after': '0' }, 0],
    ['a date, by its own clock', { 'retry-after': 'Wed, 02 Jan 2030 03:04:35 GMT', date }, 30],
    ['a date in an older form', { 'retry-after': 'Wednesday, 02-Jan-30 03:04:35 GMT', date }, 30],
    ['a date that is over', { 'retry-after': 'Wed, 02 Jan 2030 03:04:00 GMT', date }, 0],
    ['the rest of the window of the hub', { ratelimit: '"api";r=0;t=55' }, 55],
    ['both', { 'retry-after': '12', ratelimit: '"api";r=0;t=55' }, 12],
    ['a word', { 'retry-after': 'later', ratelimit: '"api";r=0;t=55' }, 55],
    ['a number that is none', { 'retry-after': '-1' }, undefined],
    ['more seconds than anybody means', { 'retry-after': '12345678' }, undefined],
    ['nothing', {}, undefined],
  ])('as %s is understood', (_what, headers, seconds) => {
    expect(restSeconds(headers)).toBe(seconds);
  });

  it('by a date alone is understood by the clock here', () => {
    const until = new Date(Date.now() + 3_600_000).toUTCString();
    const seconds = restSeconds({ 'retry-after': until });
    expect(seconds).toBeGreaterThan(3590);
    expect(seconds).toBeLessThanOrEqual(3601);
  });

  it('for longer than a minute is asked again after one', () => {
    expect(waitMs(1, () => 0, 86_400)).toBe(60_000);
  });
});
