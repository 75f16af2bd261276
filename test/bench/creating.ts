import { setTimeout as sleep } from 'node:timers/promises';
import type { KubeClient } from '../../src/kube/client.ts';
import type { Desired, Kind, KubeObject } from '../../src/kube/kind.ts';
import { limiter } from './limiter.ts';
import type { Crowd, Sightings } from './sightings.ts';

export type Make = (name: string) => Promise<unknown>;

/** So many requests to create are under way at a time, as it was with the peers. */
const atOnce = 16;
/** After one alone has its status: the controllers get their Job and pod out of the way. */
const restMs = 150;
/** Between two Models beside a crowd, of which there are few enough to leave its figures alone. */
const besideEveryMs = 500;
const besideAtMost = (crowd: number): number => Math.max(20, crowd / 20);

/** Creates objects that are noticed in the crowd from the moment that the request is about to leave. */
export function maker<T extends KubeObject>(
  client: KubeClient,
  crowd: Crowd,
  write: (name: string) => [Kind<T>, Desired<T>],
): Make {
  return async (name) => {
    const object = write(name);
    crowd.creating(name);
    await client.create(...object);
  };
}

/** As many as can be at once; answers how many a second. */
export async function createAll(make: Make, names: readonly string[]): Promise<number> {
  const from = performance.now();
  const limit = limiter(atOnce);
  await Promise.all(names.map((name) => limit(() => make(name))));
  return (names.length / (performance.now() - from)) * 1000;
}

/** One after the other has got its first status. */
export async function createAlone(
  make: Make,
  names: readonly string[],
  { sightings, crowd }: { sightings: Sightings; crowd: Crowd },
): Promise<void> {
  for (const name of names) {
    await make(name);
    const seen = () => crowd.sightings.get(name)?.firstStatusAt !== undefined;
    await sightings.until(`${name} has a status`, seen);
    await sleep(restMs);
  }
}

/** One now and then while something goes on with `size` others; answers the names. All have their first status at the end. */
export async function createBeside(
  make: Make,
  { prefix, goesOn, size }: { prefix: string; goesOn: Promise<unknown>; size: number },
  { sightings, crowd }: { sightings: Sightings; crowd: Crowd },
): Promise<string[]> {
  const names: string[] = [];
  const over = goesOn.then(
    () => true,
    () => true,
  );
  do {
    if (names.length >= besideAtMost(size)) continue;
    const name = `${prefix}-${names.length}`;
    names.push(name);
    await make(name);
  } while (!(await Promise.race([over, sleep(besideEveryMs, false)])));
  await goesOn;
  const seen = () => names.every((name) => crowd.sightings.get(name)?.firstStatusAt !== undefined);
  await sightings.until(`${prefix} have a status`, seen);
  return names;
}
