import { expect } from 'vitest';
import type { Publication } from '../../src/protocols/puller.ts';
import { isReady } from './objects.ts';
import type { World } from './world.ts';

/** What is to be true of a Model in the end, however often its operator was killed on the way. */
export async function expectReadyOnce(world: World, name: string, publication: Publication): Promise<void> {
  const ready = await world.models.untilOne(name, isReady);
  expect(ready.status?.artifact).toMatchObject(publication);
  expect(world.jobsOf(name, 'inspect').length).toBe(1);
  expect(world.jobsOf(name, 'pull').length).toBe(1);
  expect(world.claims.made().filter((claim) => claim.startsWith(`${name}-`)).length).toBe(1);
  expect(world.pods.made().filter((pod) => pod.startsWith(`${name}-`)).length).toBe(2);
  const percents = world.models.versions(name).map(({ status }) => status?.progress?.percent ?? 0);
  expect(percents).toEqual(percents.toSorted((a, b) => a - b));
}
