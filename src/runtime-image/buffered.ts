/**
 * Takes from the source as fast as it gives, so that nobody who reads slowly holds it up, and hands out what is there.
 * With more than `most` items held, the reader is given up: the source is ended, `tooSlow` is called, and reading fails
 * with what that returns. Iterate it once; a reader that ends early ends the source.
 */
export async function* buffered<Item>(
  source: AsyncIterable<Item>,
  most: number,
  tooSlow: () => Error,
): AsyncGenerator<Item> {
  let held: Item[] = [];
  let failure: { error: unknown } | undefined;
  let over = false;
  let wake: () => void = () => undefined;
  const taken = (async () => {
    try {
      for await (const item of source) {
        if (over) break;
        if (held.length >= most) throw tooSlow();
        held.push(item);
        wake();
      }
    } catch (error) {
      failure = { error };
    } finally {
      over = true;
      wake();
    }
  })();
  try {
    for (;;) {
      const items = held;
      held = [];
      yield* items;
      if (held.length > 0) continue;
      if (over) break;
      await new Promise<void>((resolve) => (wake = resolve));
    }
    if (failure) throw failure.error;
  } finally {
    over = true;
    await taken;
  }
}
