import { CliError, exitCodes } from './failure.ts';

/** What the libraries of the program need; npm only warns of it, or says nothing. As in package.json. */
export const leastNode = '22.19';

/** @throws CliError where this program would end in a stack trace of one of its libraries */
export function ensureNode(version: string): void {
  const [least, is] = [leastNode, version.replace(/^v/, '')].map((each) => each.split('.').map(Number));
  const [major = 0, minor = 0] = is ?? [];
  const [leastMajor = 0, leastMinor = 0] = least ?? [];
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return;
  throw new CliError(
    exitCodes.failed,
    `This needs Node ${leastNode} or later, and runs on ${version} (${process.execPath}).`,
    'Install a later one, or put it first in PATH.',
  );
}
