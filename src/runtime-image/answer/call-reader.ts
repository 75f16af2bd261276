import { JsonExtent } from './json-extent.ts';
import { isBlank, looseMatch } from './loose-match.ts';
import type { Part } from './part.ts';
import type { CallShape } from './shape.ts';

type Place = 'name' | 'before arguments' | 'arguments' | 'end' | 'between';

/** The longest name of a function is 64 characters; some formats put a namespace before it. */
const longestName = 128;

/**
 * Reads calls, one behind the other, from behind the marker that began the first. Arguments are handed out as they
 * come: JSON as the model wrote it.
 */
export class CallReader {
  readonly #shape: CallShape;
  readonly #parallel: boolean;
  #place: Place = 'name';
  #held = '';
  #name = '';
  #json = new JsonExtent();
  /** What was read of a call whose name is not told yet, its marker too. */
  #begun: string;
  #count: number;
  state: 'reading' | 'over' | 'no call' = 'reading';

  /** @param begun the marker; @param count calls before this one */
  constructor(shape: CallShape, begun: string, count: number, parallel: boolean) {
    this.#shape = shape;
    this.#begun = begun;
    this.#count = count;
    this.#parallel = parallel;
  }

  /** Calls of the answer whose names are told. */
  get count(): number {
    return this.#count;
  }

  /** Text that turned out to be no call, or whose call never came to its name. */
  get unread(): string {
    return this.#place === 'name' || this.#place === 'before arguments' ? this.#begun + this.#held : '';
  }

  push(text: string): Part[] {
    this.#held += text;
    const parts: Part[] = [];
    while (this.state === 'reading' && this.#step(parts));
    return parts;
  }

  /** @returns whether there may be more to read in what is held */
  #step(parts: Part[]): boolean {
    if (this.#place === 'name') return this.#readName();
    if (this.#place === 'before arguments') return this.#readAfterName(parts);
    if (this.#place === 'arguments') return this.#readArguments(parts);
    return this.#place === 'end' ? this.#readEnd() : this.#readBetween();
  }

  #readName(): boolean {
    const [matched = '', blank = '', name = ''] = /^(\s*)([\w.-]*)/.exec(this.#held) ?? [];
    if (name.length > longestName) return this.#noCall();
    if (matched.length === this.#held.length) return false;
    if (name === '') return this.#noCall();
    this.#name = name;
    this.#begun += blank + name;
    this.#held = this.#held.slice(matched.length);
    this.#place = 'before arguments';
    return true;
  }

  #readAfterName(parts: Part[]): boolean {
    const end = looseMatch(this.#held, 0, this.#shape.afterName(this.#name));
    if (end === 'partial') return false;
    if (end === undefined) return this.#noCall();
    const rest = this.#held.slice(end).trimStart();
    if (rest === '') return false;
    const without = rest.startsWith('{') ? undefined : looseMatch(rest, 0, this.#shape.end(this.#name));
    if (without === 'partial') return false;
    if (!rest.startsWith('{') && without === undefined) return this.#noCall();
    const index = this.#count++;
    parts.push({ type: 'call', index, name: this.#name });
    this.#begun = '';
    this.#held = rest;
    this.#json = new JsonExtent();
    this.#place = 'arguments';
    if (without !== undefined) {
      parts.push({ type: 'arguments', index, text: '{}' });
      this.#place = 'end';
    }
    return true;
  }

  #readArguments(parts: Part[]): boolean {
    if (this.#held === '') return false;
    const { length, closed } = this.#json.push(this.#held);
    parts.push({ type: 'arguments', index: this.#count - 1, text: this.#held.slice(0, length) });
    this.#held = this.#held.slice(length);
    if (closed) this.#place = 'end';
    return closed;
  }

  #readEnd(): boolean {
    const end = looseMatch(this.#held, 0, this.#shape.end(this.#name));
    if (end === 'partial') return false;
    if (end === undefined || !this.#parallel || this.#shape.between === undefined) {
      this.state = 'over';
      return false;
    }
    this.#held = this.#held.slice(end);
    this.#place = 'between';
    return true;
  }

  /** Another call, or the answer is over: what a model says behind its calls it says without their results. */
  #readBetween(): boolean {
    const { between = '', begins } = this.#shape;
    if (Array.from(this.#held).every(isBlank)) return false;
    const ways = begins.map((begin) => ({ begin, end: looseMatch(this.#held, 0, between + begin) }));
    const next = ways.find(({ end }) => typeof end === 'number');
    if (ways.some(({ end }) => end === 'partial')) return false;
    if (typeof next?.end !== 'number') {
      this.state = 'over';
      return false;
    }
    this.#begun = next.begin;
    this.#held = this.#held.slice(next.end);
    this.#place = 'name';
    return true;
  }

  #noCall(): boolean {
    this.state = this.#count > 0 ? 'over' : 'no call';
    return false;
  }
}
