import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

export type RunOptions = { cwd?: string; env?: NodeJS.ProcessEnv; input?: string };

/** Runs a program to its end and answers its standard output. The error carries the last lines it wrote. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const { input, ...rest } = options;
    const child = execFile(file, args, { ...rest, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = lastLines(`${stderr}${stdout}`, 15);
      reject(
        new Error(
          `${[file, ...args.slice(0, 3)].join(' ')} failed (${error.message.split('\n')[0]})\n${said}`,
        ),
      );
    });
    child.stdin?.end(input);
  });
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}

/** The path of a program on PATH; the folders of administration are looked at too, as `su` leaves them out of PATH. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'].filter(Boolean);
  for (const folder of folders) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/**
 * Asks `check` again and again until it answers something, and gives that back.
 * A check that throws counts as "not yet"; what it threw last is part of the error after `timeout` milliseconds.
 */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T | undefined>,
  { timeout = 60_000, every = 100 }: { timeout?: number; every?: number } = {},
): Promise<T> {
  const deadline = Date.now() + timeout;
  let last = '';
  while (Date.now() < deadline) {
    try {
      const answer = await check();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error instanceof Error ? `: ${error.message}` : '';
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
  throw new Error(`${what}: not so after ${timeout / 1000} s${last}`);
}
