import { Writable } from 'node:stream';
import { CommanderError } from 'commander';
import { CliError } from '../failure.ts';
import { exitCodeOf, program } from '../program.ts';

export interface Used {
  exitCode: number;
  /** Results. */
  out: string;
  /** What is said beside them. */
  err: string;
}

/** Uses the program so, in this process and without a terminal. */
export async function use(...words: string[]): Promise<Used> {
  const said = { out: '', err: '' };
  const into = (stream: keyof typeof said): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        said[stream] += String(chunk);
        done();
      },
    });
  const [out, err] = [into('out'), into('err')];
  const terminal = { out, err, isLive: false, columns: () => 80, colours: false };
  try {
    await program(terminal).parseAsync(['node', 'longshore', ...words]);
    return { exitCode: 0, ...said };
  } catch (error) {
    if (error instanceof CommanderError) return { exitCode: exitCodeOf(error), ...said };
    if (!(error instanceof CliError)) throw error;
    said.err += `${error.message}\n${error.next === undefined ? '' : `${error.next}\n`}`;
    return { exitCode: error.exitCode, ...said };
  }
}
