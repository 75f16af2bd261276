/**
 * Text that came in with the values and not from the template. It keeps its origin through the evaluation, so that
 * whoever tokenizes the result can tell what the author of the template wrote from what somebody typed into a chat.
 */
export class Outside {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Piece = string | Outside;

/** A string put together of pieces of both origins. */
export class Mixed {
  readonly pieces: readonly Piece[];
  constructor(pieces: readonly Piece[]) {
    this.pieces = pieces;
  }
}

/** Go's string. A plain one was written by the template, or means nothing special to anyone. */
export type GoString = Piece | Mixed;

export function isString(value: unknown): value is GoString {
  return typeof value === 'string' || value instanceof Outside || value instanceof Mixed;
}

export function piecesOf(string: GoString): readonly Piece[] {
  return string instanceof Mixed ? string.pieces : [string];
}

export function flatten(string: GoString): string {
  if (typeof string === 'string') return string;
  if (string instanceof Outside) return string.text;
  return string.pieces.map(flatten).join('');
}

/** One string of several; plain where all of it is. */
export function concatenate(strings: readonly GoString[]): GoString {
  const pieces = strings.flatMap(piecesOf).filter((piece) => piece !== '');
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  const [only, ...others] = pieces;
  return only !== undefined && others.length === 0 ? only : new Mixed(pieces);
}

/** Text derived from `origin`, for instance a part of it: from outside where any of it was. */
export function derived(text: string, origin: GoString): GoString {
  return typeof origin === 'string' ? text : new Outside(text);
}
