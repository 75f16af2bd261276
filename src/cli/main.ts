#!/usr/bin/env node
import { CommanderError } from 'commander';
import { CliError, exitCodes } from './failure.ts';
import { exitCodeOf, program } from './program.ts';
import { coloured, terminalOf } from './terminal.ts';

declare const LONGSHORE_VERSION: string | undefined;

const terminal = terminalOf(process);
const version = typeof LONGSHORE_VERSION === 'string' ? LONGSHORE_VERSION : 'from a checkout';

try {
  await program(terminal, version).parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = exitCodeOf(error);
  else if (error instanceof CliError) {
    const sign = error.exitCode === exitCodes.detached ? '' : `${coloured(terminal, 'red', 'Error:')} `;
    terminal.err.write(`${sign}${error.message}\n${error.next === undefined ? '' : `${error.next}\n`}`);
    process.exitCode = error.exitCode;
  } else {
    // A bug: whoever reports it needs all of it.
    console.error(error);
    process.exitCode = exitCodes.failed;
  }
}
