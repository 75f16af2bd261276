import type { Token } from 'node-llama-cpp';

/** Says what may come next, so that several tokens can be computed at once. What it says wrong costs time and no more. */
export interface Drafter {
  /** Reads what a prompt has so far, where it has to; a part at a time, since nothing stops it meanwhile. */
  follow(text: readonly Token[]): Promise<void>;
  /** @param most tokens; fewer come, or none, where it is not sure */
  propose(text: readonly Token[], most: number): Promise<readonly Token[]>;
}

/** Of all drafts of a sequence, since it was made. */
export interface Drafted {
  /** Tokens. */
  proposed: number;
  /** Those of them that the model would have chosen. */
  accepted: number;
}

export function sumOf(all: readonly Readonly<Drafted>[]): Drafted {
  const sum = { proposed: 0, accepted: 0 };
  for (const { proposed, accepted } of all) {
    sum.proposed += proposed;
    sum.accepted += accepted;
  }
  return sum;
}
