import { expect, it } from 'vitest';
import { reasonOfRefusal } from './refusal.ts';

it.for([
  ['exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2', 'QuotaExceeded'],
  ['status unknown for quota: q, resources: pods', 'QuotaExceeded'],
  ['insufficient quota to consume: pods', 'QuotaExceeded'],
  ['failed quota: q: must specify limits.memory', 'WriteRefused'],
  ['maximum memory usage per Container is 100Mi', 'WriteRefused'],
] as const)('a refusal with the words "%s" is told as %s', ([words, reason]) => {
  expect(reasonOfRefusal(`pods "p" is forbidden: ${words}`)).toBe(reason);
});
