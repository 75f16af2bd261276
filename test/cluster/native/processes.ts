import { spawn } from 'node:child_process';
import { mkdir, open, readFile, readdir } from 'node:fs/promises';
import { lastLines, waitFor } from '../commands.ts';
import type { State } from './state.ts';

/**
 * Every process of a cluster carries these in its environment, and is found by them. A list of process ids on
 * disk would miss what a killed start had just spawned, and could name a process that took over an id.
 */
const folderMark = 'LONGSHORE_TEST_STATE';
const componentMark = 'LONGSHORE_TEST_COMPONENT';

export type Component = { name: string; command: readonly string[]; env?: Record<string, string> };
export type Started = { name: string; log: string; exited: Promise<string> };
export type Found = { pid: number; component: string; command: string[] };

/** Starts a component that outlives this process, its output going to `logs/<name>.log`. */
export async function startComponent(state: State, component: Component): Promise<Started> {
  const { name, command, env } = component;
  const log = state.at('logs', `${name}.log`);
  await mkdir(state.at('logs'), { recursive: true });
  const output = await open(log, 'a');
  const child = spawn(command[0] ?? '', command.slice(1), {
    detached: true,
    stdio: ['ignore', output.fd, output.fd],
    cwd: state.folder,
    env: {
      ...process.env,
      NO_PROXY: '*',
      no_proxy: '*',
      ...env,
      [folderMark]: state.folder,
      [componentMark]: name,
    },
  });
  child.unref();
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started (${error.message})`));
    child.once('exit', (code, signal) => resolve(signal ? `was ended by ${signal}` : `exited with ${code}`));
  });
  await output.close();
  return { name, log, exited };
}

/**
 * Waits like `waitFor`, and gives up as soon as one of the components ends, with the last lines it logged.
 */
export async function waitWhileAlive<T>(
  started: readonly Started[],
  what: string,
  check: () => Promise<T | undefined>,
  timeout = 60_000,
): Promise<T> {
  let dead: { name: string; log: string; how: string } | undefined;
  for (const { name, log, exited } of started) void exited.then((how) => (dead ??= { name, log, how }));
  const checkOrDeath = async () => {
    if (dead) return { dead };
    const answer = await check();
    return answer === undefined ? undefined : { answer };
  };
  const outcome = await waitFor(what, checkOrDeath, { timeout, every: 50 });
  if ('answer' in outcome) return outcome.answer;
  const { name, log, how } = outcome.dead;
  throw new Error(`${name} ${how} while the cluster started; its log ends:\n${await logTail(log)}`);
}

/** The processes of a cluster, those of its containers left out: a container has an environment of its own. */
export async function findProcesses(state: State): Promise<Found[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry));
  const found = await Promise.all(pids.map((pid) => readProcess(Number(pid), state.folder)));
  return found.filter((process) => process !== undefined);
}

async function readProcess(pid: number, folder: string): Promise<Found | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const values = environment.split('\0');
  if (!values.includes(`${folderMark}=${folder}`)) return undefined;
  const component = values.find((value) => value.startsWith(`${componentMark}=`)) ?? '';
  const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0').slice(0, -1);
  return { pid, component: component.slice(componentMark.length + 1), command };
}

/** Ends all of a cluster's processes and returns when none is left. */
export async function endProcesses(state: State): Promise<void> {
  await waitFor(
    `processes of cluster ${state.name} to end`,
    async () => {
      const left = await findProcesses(state);
      // The unshare process ends by itself when its PID namespace is empty, containers included: wait for that.
      const ordinary = left.filter(({ command }) => command[0] !== 'unshare');
      for (const { pid } of ordinary.length > 0 ? ordinary : left) kill(pid);
      return left.length === 0 ? true : undefined;
    },
    { timeout: 30_000, every: 50 },
  );
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in between.
  }
}

async function logTail(log: string): Promise<string> {
  return lastLines(await readFile(log, 'utf8').catch(() => ''), 15);
}
