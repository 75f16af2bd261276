import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

/** A program in a terminal of its own, as a person has it, and what stands there. */
export class Screen {
  readonly exit: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  #shown = '';

  constructor(columns: number, words: readonly string[], env = process.env) {
    const command = `stty cols ${columns}; ${words.map((word) => `'${word}'`).join(' ')}`;
    this.#child = spawn('script', ['-qec', command, '/dev/null'], { env });
    this.#child.stdout.on('data', (chunk: Buffer) => (this.#shown += chunk.toString()));
    this.exit = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** Whatever was ever there, with a line for each time that one was written over. */
  get lines(): string[] {
    return this.#shown.split(/[\r\n]+/).map((line) => stripVTControlCharacters(line));
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** Resolves when that stands there; rejects when the program ends without. */
  async shows(what: RegExp): Promise<void> {
    if (what.test(this.text)) return;
    const shown = new Promise<void>((resolve) => {
      this.#child.stdout.on('data', () => what.test(this.text) && resolve());
    });
    const ended = async (): Promise<void> => {
      const code = await this.exit;
      if (!what.test(this.text)) throw new Error(`ended with ${code} and without ${what}:\n${this.text}`);
    };
    await Promise.race([shown, ended()]);
  }

  types(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** Nobody types anything. */
  async ends(): Promise<{ exitCode: number | null; text: string }> {
    this.#child.stdin.end();
    return { exitCode: await this.exit, text: this.text };
  }
}

/** Of terminals, in columns. */
export const widths = [40, 80, 200];
