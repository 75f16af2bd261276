/** The Python client of the Hugging Face hub, as a process that is told what to call. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { lastLines } from '../../cluster/commands.ts';
import { packages } from './pip.ts';

const version = '2.4.0';

export type PythonClient = {
  /** What a function of huggingface_hub returns; rejects with a PythonError when it raises. */
  call(name: string, named: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
};

export class PythonError extends Error {
  /** Names of its class and of those this derives from. */
  readonly kinds: readonly string[];

  constructor(kinds: readonly string[], message: string) {
    super(`${kinds[0]}: ${message}`);
    this.kinds = kinds;
  }
}

const Outcome = z.object({
  result: z.unknown().optional(),
  error: z.object({ kinds: z.array(z.string()), message: z.string() }).optional(),
});

/** @param environment the `HF_...` variables it shall see; none of this process's own. */
export async function startPythonClient(environment: Record<string, string>): Promise<PythonClient> {
  const own = Object.entries(process.env).filter(([name]) => !/^(HF|HUGGING_?FACE)_/.test(name));
  const quiet = { HF_HUB_DISABLE_TELEMETRY: '1', HF_HUB_DISABLE_XET: '1', HF_HUB_DISABLE_PROGRESS_BARS: '1' };
  const python = { PYTHONPATH: await huggingfaceHub(), NO_PROXY: '*', no_proxy: '*' };
  const child = spawn('python3', [join(import.meta.dirname, 'client.py')], {
    env: { ...Object.fromEntries(own), ...quiet, ...python, ...environment },
  });
  const ended = once(child, 'close');
  // A process that ended is noticed where its answer is awaited.
  child.stdin.on('error', () => {});
  let complaints = '';
  child.stderr.on('data', (data: Buffer) => {
    complaints += data.toString();
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async call(name, named) {
      child.stdin.write(`${JSON.stringify({ name, arguments: named })}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`Python ended:\n${lastLines(complaints, 15)}`);
      const { result, error } = Outcome.parse(JSON.parse(value));
      if (error !== undefined) throw new PythonError(error.kinds, error.message);
      return result;
    },
    async close() {
      child.stdin.end();
      await ended;
    },
  };
}

/** Folder with the package and what it needs, fetched once. Any number of processes may ask at the same time. */
export function huggingfaceHub(): Promise<string> {
  return packages(`huggingface_hub-${version}`, [`huggingface_hub==${version}`]);
}
