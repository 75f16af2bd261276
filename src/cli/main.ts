#!/usr/bin/env node
import { basename } from 'node:path';
import { CommanderError } from 'commander';
import { CliError, exitCodes } from './failure.ts';
import { programName } from './invocation.ts';
import { ensureNode } from './node.ts';
import { exitCodeOf, program } from './program.ts';
import { coloured, terminalOf } from './terminal.ts';

const terminal = terminalOf(process);
const [, path = '', ...words] = process.argv;
const root = program(terminal, programName(path));
// kubectl asks a program of this name what its plugin may go on with.
const isAsked = basename(path) === 'kubectl_complete-longshore';

/** Milliseconds that a person who has pressed Tab waits for names. */
const patience = 300;

// A reader that has seen enough, such as `head`, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

try {
  ensureNode(process.version);
  if (isAsked || words[0] === '__complete') {
    const { complete } = await import('./completion/complete.ts');
    const said = await complete(root, isAsked ? words : words.slice(1), patience);
    // What is still being asked for the names is not waited for.
    process.stdout.write(said, () => process.exit());
  } else await root.parseAsync(process.argv);
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
