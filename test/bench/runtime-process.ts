import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { lastLines } from '../cluster/commands.ts';
import { figuresOf, type ProcessFigures } from './processes.ts';

export interface BenchedOptions {
  argv: readonly [string, ...(string | number)[]];
  /** All that it gets, besides PATH: nothing of this machine's settings. */
  env: Record<string, string>;
  /** Where it keeps its log. */
  folder: string;
}

/** A program that is measured. Ended when it is disposed of, and at the latest with this process. */
export class BenchedProcess implements AsyncDisposable {
  /** `performance.now()` */
  readonly startedAt = performance.now();
  readonly #child: ChildProcess;
  readonly #log: string;
  readonly #name: string;

  static async start({ argv, env, folder }: BenchedOptions): Promise<BenchedProcess> {
    const [program, ...args] = argv;
    const name = basename(String(argv.findLast((part) => String(part).endsWith('.js')) ?? program));
    const path = join(folder, `${name}.log`);
    const log = await open(path, 'w');
    const child = spawn(program, args.map(String), {
      cwd: folder,
      stdio: ['ignore', log.fd, log.fd, 'ipc'],
      env: { PATH: process.env['PATH'], ...env },
    });
    await Promise.all([once(child, 'spawn'), log.close()]);
    return new BenchedProcess(child, name, path);
  }

  private constructor(child: ChildProcess, name: string, log: string) {
    this.#child = child;
    const kill = (): void => void child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    this.#name = name;
    this.#log = log;
  }

  /** @throws Error with the end of the log, when it is running no more */
  async ensureRunning(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return;
    const said = lastLines(await readFile(this.#log, 'utf8'), 20);
    throw new Error(`${this.#name} ended with ${exitCode ?? signalCode}:\n${said}`);
  }

  tell(message: object | string): void {
    this.#child.send(message);
  }

  /** Sends a message, if there is one, and resolves with the next that is of this form. */
  async ask<Answer>(
    isIt: (message: unknown) => message is Answer,
    message?: object | string,
  ): Promise<Answer> {
    const over = new AbortController();
    try {
      const answer = (async () => {
        for (;;) {
          const [told] = (await once(this.#child, 'message', { signal: over.signal })) as [unknown];
          if (isIt(told)) return told;
        }
      })();
      const ended = once(this.#child, 'exit', { signal: over.signal }).then(() => this.ensureRunning());
      ended.catch(() => undefined);
      answer.catch(() => undefined);
      if (message !== undefined) this.tell(message);
      return await Promise.race([answer, ended.then(() => answer)]);
    } finally {
      over.abort();
    }
  }

  figures(): Promise<ProcessFigures> {
    return figuresOf(this.#pid);
  }

  /** Whether a library is loaded of which the path is like this, and what the expression finds in it. */
  async loaded(path: RegExp): Promise<string | undefined> {
    return path.exec(await readFile(`/proc/${this.#pid}/maps`, 'utf8'))?.[1];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  get #pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#name} was not started`);
    return pid;
  }
}

export async function freePort(): Promise<number> {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  listening.close();
  await once(listening, 'close');
  return port;
}
