import { visit, type Visit } from './visits.ts';

/** What became of the visits. */
export interface Tally {
  finished: number;
  left: number;
  /** Of those that did not end as they should: what was wrong. */
  broken: string[];
}

/**
 * Clients that ask a server at the same time, each one request after the other, as long as there are visits.
 * @param tally what is counted in; may be looked at meanwhile
 */
export async function playCrowd(
  url: string,
  clients: number,
  next: () => Visit | undefined,
  tally: Tally = { finished: 0, left: 0, broken: [] },
): Promise<Tally> {
  const play = async (): Promise<void> => {
    for (let asked = next(); asked; asked = next()) {
      try {
        tally[await visit(url, asked)] += 1;
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        tally.broken.push(`${JSON.stringify(asked)}: ${what}`);
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, play));
  return tally;
}
