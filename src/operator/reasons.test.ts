import { describe, expect, it } from 'vitest';
import { cases, type Case } from './testing/reason-cases.ts';

const all = Object.entries(cases).flatMap(([reason, places]) =>
  Object.entries(places as Record<string, Case>).map(([place, bring]) => ({ reason, place, bring })),
);

describe('the table of reasons', () => {
  it.for(all)('has $reason in: $place', async ({ reason, place, bring }) => {
    expect((await bring()).lines).toContain(`${place} ${reason}`);
  });
});
