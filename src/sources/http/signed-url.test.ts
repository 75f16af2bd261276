import { describe, expect, it } from 'vitest';
import { expiryOf } from './signed-url.ts';

const end = Date.UTC(2030, 0, 2, 4, 4, 5);
const seconds = end / 1000;
const expiry = (query: string): number | undefined => expiryOf(new URL(`https://storage.test/blob?${query}`));

function policy(statement: object): string {
  const base64 = Buffer.from(JSON.stringify({ Statement: [statement] })).toString('base64');
  return base64.replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~');
}

describe('a signed address', () => {
  it.each([
    ['S3', 'X-Amz-Date=20300102T030405Z&X-Amz-Expires=3600&X-Amz-Signature=s'],
    ['Google', 'X-Goog-Date=20300102T030405Z&X-Goog-Expires=3600&X-Goog-Signature=s'],
    ['CloudFront', `Expires=${seconds}&Signature=s&Key-Pair-Id=k`],
    [
      'CloudFront, with a policy',
      `Policy=${policy({ Resource: 'https://storage.test/*?ÿ>', Condition: { DateLessThan: { 'AWS:EpochTime': seconds } } })}&Signature=s`,
    ],
    ['Azure', 'se=2030-01-02T04%3A04%3A05Z&sig=s'],
  ])('of %s says when its time is over', (_whose, query) => {
    expect(expiry(query)).toBe(end);
  });

  it.each([
    ['nothing', ''],
    ['no signature', `Expires=${seconds}`],
    ['no signature of S3', 'X-Amz-Date=20300102T030405Z&X-Amz-Expires=3600'],
    ['no begin', 'X-Amz-Expires=3600&X-Amz-Signature=s'],
    ['a begin that is none', 'X-Amz-Date=tomorrow&X-Amz-Expires=3600&X-Amz-Signature=s'],
    ['a number that is none', 'Expires=soon&Signature=s'],
    ['a policy that is no JSON', 'Policy=abc&Signature=s'],
    ['a policy without an end', `Policy=${policy({ Resource: '*' })}&Signature=s`],
    ['an end that is none', 'se=never&sig=s'],
  ])('with %s does not', (_what, query) => {
    expect(expiry(query)).toBeUndefined();
  });
});
