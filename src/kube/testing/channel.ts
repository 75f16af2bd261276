/** Values handed from one side of a test to the other, in order; `next` waits for one that is not there yet. */
export class Channel<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  get length(): number {
    return this.#values.length;
  }

  push(value: T): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#values.push(value);
    else waiter(value);
  }

  next(): Promise<T> {
    const [value] = this.#values.splice(0, 1);
    return value === undefined
      ? new Promise((resolve) => {
          this.#waiting.push(resolve);
        })
      : Promise.resolve(value);
  }
}
