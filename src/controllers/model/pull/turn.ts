import type { ModelStatus } from '../../../api/model-status.ts';
import type { Outcome } from '../../step.ts';

/** Whether a pull may start, as far as the limits of the operator go. */
export type Turn =
  | { at: 'now' }
  | {
      at: 'later';
      /** When the Model began to wait, ISO 8601. */
      since: string;
      /** Counted from 1. */
      place: number;
      /** What the limit is for: all namespaces of the operator, or the Model's. */
      scope: 'cluster' | 'namespace';
      /** Pulls that run there, those that are about to start included. */
      taken: number;
      allowed: number;
    };

const exactly = 10;

/**
 * A place as it is told: the first ten exactly, those behind as "among the first 20, 50, 100, 200, 500, ...". So a pull
 * that starts changes what is to be told of a few Models, however many wait.
 */
export function toldPlace(place: number): number {
  if (place <= exactly) return place;
  let bound = exactly;
  for (let step = 0; bound < place; step += 1) bound *= step % 3 === 1 ? 2.5 : 2;
  return bound;
}

/** Places of a line of this length that are told otherwise than the one behind each of them. */
export function edges(length: number): number[] {
  const found: number[] = [];
  for (let place = 1; place <= length; place = toldPlace(place + 1)) found.push(place);
  return found;
}

/** Nobody waits who does not say so again: a Model with another spec, or one that is suspended, leaves the queue. */
export function leaveQueue(): Outcome<ModelStatus> {
  return { at: 'done', message: '', status: { queue: undefined } };
}

/** What is told of a pull that waits for its turn. */
export function queued(turn: Extract<Turn, { at: 'later' }>): Outcome<ModelStatus> {
  const { since, place, scope, taken, allowed } = turn;
  const position = toldPlace(place);
  const where =
    position === place ? `${ordinal(place)} in the queue` : `Among the first ${position} in the queue`;
  const pulls = taken === 1 ? '1 pull runs' : `${taken} pulls run`;
  const [of, there] = scope === 'namespace' ? [' of this namespace', ' here'] : ['', ''];
  return {
    at: 'waiting',
    reason: 'Queued',
    message: `${where}${of}; ${pulls}${there}, of ${allowed} allowed.`,
    status: { queue: { since, position } },
  };
}

/** `1st`, `2nd`, `3rd`, `4th`, ... of the first ten. */
function ordinal(place: number): string {
  return `${place}${['st', 'nd', 'rd'][place - 1] ?? 'th'}`;
}
