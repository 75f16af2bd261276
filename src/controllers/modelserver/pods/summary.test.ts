import { expect, it } from 'vitest';
import { summary } from './summary.ts';

it.for([
  ['Pod a: no', 0, 'Pod a: no. Mend it.'],
  ['Pod a: no.', 1, 'Pod a: no; and so another pod. Mend it.'],
  ['Pod a: no.', 2, 'Pod a: no; and so 2 other pods. Mend it.'],
] as const)('a trouble is told with how many have it, and what to do: %s %i', ([message, others, told]) => {
  expect(summary(message, others, 'Mend it.')).toBe(told);
});
