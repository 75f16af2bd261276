import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import { requestVariable } from '../../src/protocols/puller.ts';
import { huggingfaceHub } from '../hub/python/client.ts';
import { fileName, repo, type Origin } from './pull-origin.ts';

/** A program that downloads, and what makes sure afterwards that the bytes are right. */
export interface Client {
  readonly name: string;
  /** Its commands, one after the other; they put the file into a folder. */
  readonly commands: (job: Job) => Command[];
}

export interface Job {
  readonly origin: Origin;
  /** One of the origin's two. */
  readonly url: string;
  readonly folder: string;
}

interface Command {
  readonly argv: string[];
  readonly env?: Record<string, string>;
}

/** What commands took together; the memory is that of the largest process. */
export interface Took {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

const Measured = z.object({ seconds: z.number(), cpuSeconds: z.number(), peakKiB: z.number() });

/** Of the image (src/operator/Dockerfile). */
const imageOptions = '--disable-warning=DEP0040 --max-semi-space-size=4';

const openssl = (path: string): Command => ({ argv: ['openssl', 'dgst', '-sha256', path] });

/** @param bundle The puller as its image has it. */
export function longshore(bundle: string): Client {
  return {
    name: 'Longshore',
    commands: ({ url, folder }) => {
      const huggingFace = { repo, revision: 'main', endpoint: url };
      const request = { source: { huggingFace }, credentials: false, modelUid: 'bench' };
      const env = {
        NODE_ENV: 'production',
        NODE_OPTIONS: imageOptions,
        [requestVariable]: JSON.stringify(request),
        LONGSHORE_VOLUME: folder,
        LONGSHORE_PROGRESS_PORT: '0',
        LONGSHORE_TERMINATION_LOG: '/dev/null',
      };
      return [{ argv: [process.execPath, bundle, 'pull'], env }];
    },
  };
}

export const curl: Client = {
  name: 'curl, then openssl',
  commands: ({ origin, url, folder }) => {
    const to = join(folder, fileName);
    return [{ argv: ['curl', '-s', '-C', '-', '-o', to, `${url}/${origin.path}`] }, openssl(to)];
  },
};

export const aria2: Client = {
  name: 'aria2c -x16 -s16 --checksum',
  commands: ({ origin, url, folder }) => {
    const how = ['-q', '-x16', '-s16', '--file-allocation=none', '-d', folder, '-o', fileName];
    const check = `--checksum=sha-256=${origin.sha256}`;
    return [{ argv: ['aria2c', ...how, check, `${url}/${origin.path}`] }];
  },
};

export async function hf(): Promise<Client> {
  const library = await huggingfaceHub();
  return {
    name: 'hf download, then openssl',
    commands: ({ url, folder }) => {
      const env = {
        PYTHONPATH: library,
        HF_ENDPOINT: url,
        HF_HOME: join(folder, 'home'),
        HF_HUB_DISABLE_XET: '1',
        HF_HUB_DISABLE_TELEMETRY: '1',
        HF_HUB_DISABLE_PROGRESS_BARS: '1',
      };
      const argv = [
        'python3',
        '-m',
        'huggingface_hub.cli.hf',
        'download',
        repo,
        fileName,
        '--local-dir',
        folder,
      ];
      return [{ argv, env }, openssl(join(folder, fileName))];
    },
  };
}

/** Runs a client to its end. */
export async function measure(client: Client, job: Job): Promise<Took> {
  let took: Took = { seconds: 0, cpuSeconds: 0, peakMb: 0 };
  for (const command of client.commands(job)) {
    const { seconds, cpuSeconds, peakKiB } = await measureCommand(command);
    took = {
      seconds: took.seconds + seconds,
      cpuSeconds: took.cpuSeconds + cpuSeconds,
      peakMb: Math.max(took.peakMb, peakKiB / 1024),
    };
  }
  return took;
}

async function measureCommand({ argv, env }: Command): Promise<z.infer<typeof Measured>> {
  const program = join(import.meta.dirname, 'pull-measure.py');
  const child = spawn('python3', [program, ...argv], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}:\n${said}`);
  return Measured.parse(JSON.parse(said.trimEnd().split('\n').at(-1)!));
}

/** Starts the client's first command, which downloads, and kills it as soon as `reached` resolves. */
export async function killAt(client: Client, job: Job, reached: () => Promise<void>): Promise<void> {
  const [{ argv, env }] = client.commands(job) as [Command];
  const [program, ...args] = argv as [string, ...string[]];
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  const ended = once(child, 'exit');
  await reached();
  child.kill('SIGKILL');
  await ended;
}
