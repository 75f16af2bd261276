/** A piece of an answer, told apart. */
export type Part =
  | { type: 'text'; text: string }
  /** What a model that thinks says before its answer. */
  | { type: 'thought'; text: string }
  /** The beginning of a call; `index` counts those of the answer. */
  | { type: 'call'; index: number; name: string }
  /** A piece of the arguments of the call of this index: JSON as text. */
  | { type: 'arguments'; index: number; text: string };
