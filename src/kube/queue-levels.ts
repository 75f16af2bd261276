import { priorities } from './priority.ts';
import type { Priority } from './priority.ts';
import { Turns } from './queue-turns.ts';

/** After so many keys of others in a row a level comes before those above it. */
const passedAtMost = 8;

interface Level {
  readonly keys: Turns;
  /** Keys of others that were taken while it had some. */
  passed: number;
}

/**
 * Keys by priority. The highest that has keys is served first, but none starves: of any ten keys in a row that are taken
 * from all levels, each level that has keys all the while gets at least one. Within a level namespaces take turns.
 */
export class Levels {
  readonly #levels: Record<Priority, Level> = {
    user: { keys: new Turns(), passed: 0 },
    event: { keys: new Turns(), passed: 0 },
    backlog: { keys: new Turns(), passed: 0 },
  };

  get size(): number {
    return priorities.reduce((sum, priority) => sum + this.#levels[priority].keys.size, 0);
  }

  /** The key must be in no level. */
  add(key: string, priority: Priority): void {
    this.#levels[priority].keys.add(key);
  }

  /** The key must be in that level. */
  delete(key: string, priority: Priority): void {
    this.#levels[priority].keys.delete(key);
  }

  /** The next key of this priority or a higher one. Levels below it do not count as passed over. */
  take(lowest: Priority): string | undefined {
    const levels = priorities
      .slice(0, priorities.indexOf(lowest) + 1)
      .map((priority) => this.#levels[priority]);
    const open = levels.filter(({ keys }) => keys.size > 0);
    const next = open.findLast(({ passed }) => passed >= passedAtMost) ?? open[0];
    for (const level of levels) level.passed = level !== next && level.keys.size > 0 ? level.passed + 1 : 0;
    return next?.keys.take();
  }
}
