import type { WriteStream } from 'node:tty';

/** Where a command writes to: results to `out`, and what is said beside them, such as progress, to `err`. */
export interface Terminal {
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream;
  /** Whether lines on `err` may be written over. */
  readonly isLive: boolean;
  /** Characters that a line of `err` has room for. */
  readonly columns: () => number;
  readonly colours: boolean;
}

/** @see https://no-color.org */
export function terminalOf(process: NodeJS.Process): Terminal {
  const err = process.stderr as WriteStream;
  const isLive = err.isTTY && process.env['TERM'] !== 'dumb';
  return {
    out: process.stdout,
    err,
    isLive,
    columns: () => (err.isTTY ? err.columns : 80),
    colours: isLive && (process.env['NO_COLOR'] ?? '') === '',
  };
}

const codes = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], cyan: [36, 39] } as const;

export function coloured(
  terminal: Pick<Terminal, 'colours'>,
  colour: keyof typeof codes,
  text: string,
): string {
  const [start, end] = codes[colour];
  return terminal.colours ? `\u001b[${start}m${text}\u001b[${end}m` : text;
}

/** A line that is written over again and again where that is possible; elsewhere each line that says something new. */
export class StatusLine {
  readonly #terminal: Terminal;
  #shown: string | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** `plain` stands in a log for the line that changes all the time; undefined: not worth a line there. */
  show(line: string, plain: string | undefined): void {
    const { err, isLive } = this.#terminal;
    if (isLive) err.write(`\r\u001b[2K${line}`);
    else if (plain !== undefined && plain !== this.#shown) err.write(`${plain}\n`);
    this.#shown = isLive ? line : (plain ?? this.#shown);
  }

  /** Leaves the line as it is and goes on below it. */
  keep(): void {
    if (this.#terminal.isLive && this.#shown !== undefined) this.#terminal.err.write('\n');
    this.#shown = undefined;
  }

  clear(): void {
    if (this.#terminal.isLive && this.#shown !== undefined) this.#terminal.err.write('\r\u001b[2K');
    this.#shown = undefined;
  }
}
