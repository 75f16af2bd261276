/** How one sequence computes. */
export interface Lockstep {
  /** Computes a token, together with all that ask before it is begun. The next ones wait for it. */
  readonly decode: <Result>(compute: () => Promise<Result>) => Promise<Result>;
  /** Computes tokens of a prompt, beside what else is computed. Nobody waits for it. */
  readonly prefill: <Result>(compute: () => Promise<Result>) => Promise<Result>;
}

/**
 * Has the sequences of a context ask for their next tokens at the same time, in their order.
 *
 * node-llama-cpp 3.22 computes what is asked for as soon as a batch is done, and keeps the context to itself while
 * anything is. Left alone, sequences ask one after the other: of eight the last is missed by every batch, and one that
 * has to forget tokens before it begins waits until the others have ended, however long they are. And llama.cpp computes
 * together only sequences whose numbers follow one another in the batch (split_equal in llama-batch.cpp): in the order
 * in which they happen to ask, eight take as long as one after the other.
 *
 * One that is alone waits for nobody.
 *
 * @param busy how many sequences are in use, those that have yet to begin included
 * @returns that of the sequence of a number
 */
export function lockstep(busy: () => number): (sequence: number) => Lockstep {
  /** Tokens that are being computed. */
  let decoding = 0;
  let waiting: { sequence: number; go: () => void }[] = [];
  let due = false;

  function begin(): void {
    due = false;
    const all = waiting.toSorted((a, b) => a.sequence - b.sequence);
    waiting = [];
    for (const { go } of all) go();
  }

  /** A turn of the event loop later: whoever got a token just now asks for the next one before, and the context is free. */
  function beginSoon(): void {
    if (due || decoding > 0 || waiting.length === 0) return;
    due = true;
    setImmediate(begin);
  }

  /** Undefined where it need not wait. */
  function turn(sequence: number): Promise<void> | undefined {
    if (decoding === 0 && waiting.length === 0 && busy() === 1) return undefined;
    return new Promise((go) => {
      waiting.push({ sequence, go });
      beginSoon();
    });
  }

  return (sequence) => ({
    async decode(compute) {
      const others = turn(sequence);
      if (others) await others;
      decoding++;
      try {
        return await compute();
      } finally {
        decoding--;
        beginSoon();
      }
    },
    async prefill(compute) {
      const others = turn(sequence);
      if (others) await others;
      return await compute();
    },
  });
}
