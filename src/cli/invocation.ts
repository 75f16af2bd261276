import { basename } from 'node:path';

/** What people call this program: a plugin of kubectl is found by the name of its file. */
export function programName(path = ''): string {
  return /^kubectl[-_]/.test(basename(path)) ? 'kubectl longshore' : 'longshore';
}

/** The program with the options by which it gets to the same place again. What the environment says, it says again. */
export function invocation(
  program: string,
  options: readonly (readonly [flag: string, value: string])[],
): string {
  return [program, ...options.flatMap(([flag, value]) => [flag, quoted(value)])].join(' ');
}

/** For a POSIX shell. */
function quoted(value: string): string {
  return /^[\w@%+=:,./-]+$/.test(value) ? value : `'${value.replaceAll("'", String.raw`'\''`)}'`;
}
