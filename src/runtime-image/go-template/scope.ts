import type { GoValue } from './values.ts';

/** Variables and the dot, of one use of a template. */
export class Scope {
  /** How many templates use this one. */
  readonly depth: number;
  dot: GoValue;
  #variables: { name: string; value: GoValue }[];

  constructor(data: GoValue, depth: number) {
    this.dot = data;
    this.depth = depth;
    this.#variables = [{ name: '$', value: data }];
  }

  declare(name: string, value: GoValue): void {
    this.#variables.push({ name, value });
  }

  /** Changes the innermost variable of the name. The parser made sure that there is one. */
  set(name: string, value: GoValue): void {
    const variable = this.#find(name);
    if (variable) variable.value = value;
  }

  get(name: string): GoValue {
    return this.#find(name)?.value;
  }

  /** Forgets what was declared in between. */
  block<Result>(evaluate: () => Result): Result {
    const outside = this.#variables.length;
    const result = evaluate();
    this.#variables.length = outside;
    return result;
  }

  /** Evaluates with another dot. */
  about<Result>(dot: GoValue, evaluate: () => Result): Result {
    const before = this.dot;
    this.dot = dot;
    const result = evaluate();
    this.dot = before;
    return result;
  }

  #find(name: string) {
    return this.#variables.findLast((variable) => variable.name === name);
  }
}
