import { stopMatcher } from '../stop-strings.ts';
import { CallReader } from './call-reader.ts';
import { findLoosely, isBlank } from './loose-match.ts';
import type { Part } from './part.ts';
import type { AnswerShape } from './shape.ts';

type Mode = 'outside' | 'thought' | 'text' | 'call' | 'done';

/**
 * Tells thoughts, calls and plain text of an answer apart as it comes, wherever its pieces are cut. What may be the
 * beginning of a marker or of a stop string stays back until that is known. Stop strings are looked for in plain text.
 */
export class AnswerReader {
  readonly #shape: AnswerShape;
  readonly #parallelCalls: boolean;
  readonly #stops: ReturnType<typeof stopMatcher>;
  #mode: Mode;
  #held = '';
  /** Whether blanks come first in what is read, and are left away. */
  #trimming = false;
  #calls = 0;
  #stopped = false;
  #call: CallReader | undefined;

  constructor(shape: AnswerShape, stops: readonly string[], parallelCalls = true) {
    this.#shape = shape;
    this.#parallelCalls = parallelCalls;
    this.#stops = stopMatcher(stops);
    this.#mode = shape.thought?.open ? 'thought' : shape.announced ? 'outside' : 'text';
    this.#trimming = this.#mode === 'thought';
  }

  /** Whether a stop string, or the end of the calls, ended the answer. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether the answer is over, whatever else is generated. */
  get done(): boolean {
    return this.#mode === 'done';
  }

  /** Where the answer stands: `outside` where what comes next has to be announced first. */
  get mode(): Mode {
    return this.#mode;
  }

  get hasCalls(): boolean {
    return this.#calls > 0;
  }

  /** @param text special tokens written out, those too that are not markers */
  push(text: string): Part[] {
    this.#held += text;
    const parts: Part[] = [];
    while (this.#mode !== 'done' && this.#step(parts));
    return parts;
  }

  /** What stayed back, once nothing more comes. */
  rest(): Part[] {
    const parts: Part[] = [];
    if (this.#mode === 'text') {
      this.#show(this.#held, parts);
      if (!this.done) parts.push(...textPart(this.#stops.rest()));
    } else if (this.#mode === 'thought') {
      parts.push(...thoughtPart(this.#trimmed(this.#held).trimEnd()));
    } else if (this.#mode === 'call') {
      // A call that was cut short within its beginning is not one: it is what the model said.
      parts.push(...textPart(this.#call?.unread ?? ''));
    }
    this.#mode = 'done';
    return parts;
  }

  /** @returns whether there may be more to read in what is held */
  #step(parts: Part[]): boolean {
    if (this.#mode === 'outside') return this.#seek(() => undefined);
    if (this.#mode === 'text') return this.#seek((text) => this.#show(text, parts));
    if (this.#mode === 'thought') return this.#think(parts);
    return this.#mode === 'call' && this.#readCall(parts);
  }

  /** Hands out what comes before the next marker, and enters what the marker begins. */
  #seek(show: (text: string) => void): boolean {
    const { thought, call, announced } = this.#shape;
    const markers: { text: string; enter: () => void }[] = [];
    const mark = (text: string, enter: () => void) => {
      if (text.trim() !== '') markers.push({ text, enter });
    };
    for (const begin of call?.begins ?? []) mark(begin, () => this.#beginCall(begin));
    if (thought) mark(thought.begin, () => this.#enter('thought'));
    if (this.#mode === 'outside')
      for (const begin of announced?.begins ?? []) mark(begin, () => this.#enter('text'));
    else for (const end of announced?.ends ?? []) mark(end, () => this.#enter('outside'));

    const found = findLoosely(
      this.#held,
      markers.map(({ text }) => text),
    );
    const until = found.marker === undefined ? found.safe : found.start;
    const before = this.#held.slice(0, until);
    this.#held = this.#held.slice(found.marker === undefined ? until : found.end);
    show(before);
    if (found.marker === undefined || this.done) return false;
    markers[found.marker]?.enter();
    return true;
  }

  #enter(mode: Mode): void {
    this.#mode = mode;
    this.#trimming = true;
  }

  #beginCall(begin: string): void {
    const { call } = this.#shape;
    if (!call) return;
    this.#call = new CallReader(call, begin, this.#calls, this.#parallelCalls);
    this.#mode = 'call';
  }

  #show(text: string, parts: Part[]): void {
    const shown = this.#trimmed(text);
    if (shown === '') return;
    const { text: safe, stopped } = this.#stops.push(shown);
    parts.push(...textPart(safe));
    if (stopped) this.#stop();
  }

  #think(parts: Part[]): boolean {
    const { thought, announced } = this.#shape;
    const found = findLoosely(this.#held, [thought?.end ?? '']);
    if (found.marker !== undefined) {
      parts.push(...thoughtPart(this.#trimmed(this.#held.slice(0, found.start)).trimEnd()));
      this.#held = this.#held.slice(found.end);
      this.#enter(announced ? 'outside' : 'text');
      return true;
    }
    // Blanks before the end of the thought are no part of it.
    const safe = this.#held.slice(0, found.safe).trimEnd().length;
    parts.push(...thoughtPart(this.#trimmed(this.#held.slice(0, safe))));
    this.#held = this.#held.slice(safe);
    return false;
  }

  #readCall(parts: Part[]): boolean {
    const call = this.#call;
    if (!call) return false;
    parts.push(...call.push(this.#held));
    this.#held = '';
    this.#calls = Math.max(this.#calls, call.count);
    if (call.state === 'over') this.#stop();
    if (call.state !== 'no call') return false;
    // It only looked like one.
    this.#mode = 'text';
    this.#show(call.unread, parts);
    return false;
  }

  #stop(): void {
    this.#stopped = true;
    this.#mode = 'done';
  }

  #trimmed(text: string): string {
    if (!this.#trimming) return text;
    const from = Array.from(text).findIndex((character) => !isBlank(character));
    if (from < 0) return '';
    this.#trimming = false;
    return text.trimStart();
  }
}

const textPart = (text: string): Part[] => (text === '' ? [] : [{ type: 'text', text }]);
const thoughtPart = (text: string): Part[] => (text === '' ? [] : [{ type: 'thought', text }]);
