import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { PullerProgress, PullerReport, requestVariable } from '../../protocols/puller.ts';

const main = new URL('../main.ts', import.meta.url).pathname;
const LogLine = z.record(z.string(), z.unknown());

/** A puller as a process of its own, as in a Job. */
export interface Puller {
  readonly process: ChildProcess;
  /** Everything it wrote to its log. */
  readonly log: () => string;
  /** Resolves with a field of the first log line that has it. */
  readonly logged: (field: string) => Promise<unknown>;
  readonly ended: () => Promise<{ code: number | null; report: PullerReport; reportBytes: number }>;
}

/** What pullers of one Model share: the volume, and the Secret. */
export interface PullerPlace {
  readonly volume: string;
  /** Mounts a Secret. */
  giveToken(token: string, host?: string): Promise<void>;
  /** Mounts a Secret of a proxy. */
  giveProxyUser(keys: { username: string; password: string; host: string }): Promise<void>;
  /** Mounts a CA bundle. */
  giveAuthorities(pem: string): Promise<void>;
  /** Mounts a Secret of these files, in place of the one before. */
  giveSecret(files: Record<string, string>): Promise<void>;
  /** @param request Fields of the request; those that most tests do not care for have defaults. */
  start(command: string, request: object, env?: object): Puller;
  /** Kills the puller that was started last, and removes the volume. */
  clear(): Promise<void>;
}

export async function aPlace(): Promise<PullerPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'puller-'));
  const volume = join(folder, 'volume');
  const credentials = join(folder, 'credentials');
  const proxyCredentials = join(folder, 'proxy');
  const caBundle = join(folder, 'ca.crt');
  for (const each of [volume, credentials, proxyCredentials]) await mkdir(each);
  let running: ChildProcess | undefined;
  return {
    volume,
    async giveToken(token, host) {
      await writeFile(join(credentials, 'token'), token);
      if (host !== undefined) await writeFile(join(credentials, 'host'), host);
    },
    async giveProxyUser(keys) {
      for (const [key, value] of Object.entries(keys)) await writeFile(join(proxyCredentials, key), value);
    },
    giveAuthorities: (pem) => writeFile(caBundle, pem),
    async giveSecret(files) {
      for (const name of await readdir(credentials)) await rm(join(credentials, name));
      for (const [name, content] of Object.entries(files)) await writeFile(join(credentials, name), content);
    },
    start(command, request, env = {}) {
      const reportPath = join(folder, 'termination-log');
      running = spawn(process.execPath, [main, command], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          [requestVariable]: JSON.stringify({ credentials: false, modelUid: 'uid', ...request }),
          LONGSHORE_VOLUME: volume,
          LONGSHORE_CREDENTIALS: credentials,
          LONGSHORE_PROXY_CREDENTIALS: proxyCredentials,
          LONGSHORE_CA_BUNDLE: caBundle,
          LONGSHORE_TERMINATION_LOG: reportPath,
          LONGSHORE_PROGRESS_PORT: '0',
          ...env,
        },
      });
      return watch(running, reportPath);
    },
    async clear() {
      running?.kill('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

function watch(child: ChildProcess, reportPath: string): Puller {
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout! });
  reader.on('line', (line) => lines.push(line));
  const find = (field: string): unknown =>
    lines.map((line) => LogLine.parse(JSON.parse(line))[field]).find((value) => value !== undefined);
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    process: child,
    log: () => lines.join('\n'),
    async logged(field) {
      while (find(field) === undefined) await once(reader, 'line', { signal: AbortSignal.timeout(40_000) });
      return find(field);
    },
    async ended() {
      const code = await closed;
      const text = await readFile(reportPath, 'utf8');
      return { code, report: PullerReport.parse(JSON.parse(text)), reportBytes: Buffer.byteLength(text) };
    },
  };
}

/** What `GET /progress` of a running puller says. */
export async function progressOf(puller: Puller): Promise<PullerProgress> {
  return PullerProgress.parse(await (await ask(puller, '/progress')).json());
}

export async function metricsOf(puller: Puller): Promise<string> {
  return (await ask(puller, '/metrics')).text();
}

async function ask(puller: Puller, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${String(await puller.logged('port'))}${path}`);
}
