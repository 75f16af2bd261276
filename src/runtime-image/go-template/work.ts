import { isString, Mixed } from './text.ts';
import type { GoValue } from './values.ts';
import { isList, Unfit } from './values.ts';

/** Templates come from a registry and chats from anywhere: what one evaluation may take. */
export const limits = {
  /** Nodes, calls and rounds of a loop. */
  steps: 2_000_000,
  /** UTF-16 units of the result, and of any string on the way. */
  characters: 16 * 1024 * 1024,
  /** Templates that use templates. */
  depth: 100,
} as const;

/** Counts what an evaluation has taken, and ends it with Unfit beyond the limits. */
export class Work {
  #steps = 0;
  #characters = 0;

  step(cost = 1): void {
    this.#steps += cost;
    if (this.#steps > limits.steps) throw new Unfit(`it takes more than ${limits.steps} steps`);
  }

  /** A function gets this value. */
  handle(value: GoValue): void {
    this.step(costOf(value));
  }

  write(characters: number): void {
    this.#characters += characters;
    if (this.#characters > limits.characters)
      throw new Unfit(`it writes more than ${limits.characters} characters`);
  }
}

/** Steps: a short value costs nothing beside the call itself. */
function costOf(value: GoValue): number {
  if (isList(value)) return value.length >> 4;
  if (value instanceof Mixed) return value.pieces.length;
  if (!isString(value)) return 0;
  const { length } = typeof value === 'string' ? value : value.text;
  if (length > limits.characters) throw new Unfit(`a string has more than ${limits.characters} characters`);
  return length >> 10;
}
